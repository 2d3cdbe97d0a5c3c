import { StorageError, type VerifyProblem } from "../../protocols/index.js";
import { STREAM_METADATA_SPACE } from "../administration/reserved-spaces.js";
import { storedObject } from "./stored-json.js";

/** A record as it is stored. */
export interface StoredRecordText {
  readonly space: string;
  readonly key: string;
  readonly value: unknown;
}

/** What `verify` says of a record whose value is not the JSON of an object; null where it is. */
export function recordProblem({ space, key, value }: StoredRecordText): VerifyProblem | null {
  const record = `the record "${key}" of "${space}"`;
  try {
    storedObject(value, record);
    return null;
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    const stream = space === STREAM_METADATA_SPACE ? { streamId: key } : {};
    return { kind: "record", ...stream, detail: `${record} is not the JSON object that was stored` };
  }
}
