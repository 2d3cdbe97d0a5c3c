import { RecordConflictError } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";

/** A change of a record that expects another revision than the record has. */
export interface RecordConflict {
  /** What was attempted. */
  readonly verb: "store" | "delete";
  /** The space of the record. */
  readonly space: string;
  /** The key of the record. */
  readonly key: string;
  /** The revision that it was expected to have. */
  readonly expected: number | "any";
  /** The revision that it has; 0 if it is not there. */
  readonly revision: number;
  /** The name of the store. */
  readonly location?: string | undefined;
}

/** Says which revision a record has in place of the expected one. */
export function recordConflict(conflict: RecordConflict): RecordConflictError {
  const { verb, space, key, expected, revision, location } = conflict;
  const found = revision === 0 ? "it is not there" : `it has revision ${revision}`;
  const message =
    `Cannot ${verb} the record "${key}" of "${space}"${inStore(location)}: expected revision ${expected}, and ${found}. ` +
    "Nothing was changed; read it again and decide again.";
  return new RecordConflictError({ space, key, revision }, message);
}
