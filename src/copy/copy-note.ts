import type { CopiedRecord, JsonObject, StoreContents } from "../../protocols/index.js";
import { storedObject } from "../adapter-kit/stored-json.js";

/** The space of the record that says of which store a store is a copy. */
export const COPY_SPACE = "@copy";

const KEY = "note";

/** What a copy notes in its target, together with each batch. */
export interface CopyNote {
  /** The name of the source, for messages. */
  readonly source: string;
  /** Every event of the source up to this position is in the copy. */
  readonly position: number;
  /** Every event of the copy up to this position was compared with the source's. */
  readonly verifiedPosition: number;
  /** No record that the copy has brought has a later revision. */
  readonly lastRevision: number;
  /** Whether the copy is what the source was at one moment. Otherwise it must not be used. */
  readonly isComplete: boolean;
}

export function noteRecord(note: CopyNote): CopiedRecord {
  // The revision means nothing here: only the copy itself reads and writes the record.
  return { space: COPY_SPACE, key: KEY, revision: 1, value: JSON.stringify(note) };
}

/**
 * Reads the note of a store; undefined where it is not a copy.
 *
 * @param store - its name, for messages
 */
export async function readNote(contents: StoreContents, store: string): Promise<CopyNote | undefined> {
  for await (const [record] of contents.read("records", { space: COPY_SPACE, key: "" })) {
    if (record?.space !== COPY_SPACE || record.key !== KEY) return undefined;
    return noteOf(storedObject(record.value, `the record "${KEY}" of "${COPY_SPACE}" in ${store}`));
  }
  return undefined;
}

function noteOf(value: JsonObject): CopyNote {
  return value as unknown as CopyNote;
}
