import { type ContentsBatch, StorageError, type StoreContents } from "../../protocols/index.js";
import { inStep } from "../administration/administration-context.js";
import { copiedRecords } from "./copied-records.js";
import { type CopyNote, noteRecord, readNote } from "./copy-note.js";
import { type CopySide, readPart } from "./copy-side.js";

/** What is imported together. */
export type ImportedBatch = Omit<ContentsBatch, "after">;

/** The store that a copy goes to. Each batch comes with the note of how far the copy is then. */
export class CopyTarget {
  readonly side: CopySide;
  readonly #attempt: string;
  #note: CopyNote;

  private constructor(side: CopySide, attempt: string, note: CopyNote) {
    this.side = side;
    this.#attempt = attempt;
    this.#note = note;
  }

  /**
   * Finds out how far an earlier copy has come.
   *
   * @throws StorageError `STORAGE_TARGET_EXISTS` when the store has contents that no copy has brought
   */
  static async open(side: CopySide, source: string, attempt: string): Promise<CopyTarget> {
    const note = await side.storage.exportContents(async (contents) => {
      const found = await readNote(contents, side.name);
      const { lastPosition } = await contents.readFigures();
      const isUntouched =
        found === undefined
          ? lastPosition === 0 && (await isEmpty(contents, side.name))
          : await isAsLeft(contents, side.name, found, lastPosition);
      if (!isUntouched) throw hasOtherContents(attempt, found === undefined);
      return found;
    });
    const start = { source, position: 0, verifiedPosition: 0, lastRevision: 0, isComplete: false };
    return new CopyTarget(side, attempt, note ?? start);
  }

  get note(): CopyNote {
    return this.#note;
  }

  /**
   * Imports a batch.
   *
   * @throws StorageError `STORAGE_TARGET_EXISTS` when somebody else has written to the store since the batch before
   */
  async import({ put = {}, ...batch }: ImportedBatch, change: Partial<CopyNote> = {}): Promise<void> {
    const { context, storage } = this.side;
    const note = { ...this.#note, ...change };
    const records = [...(put.records ?? []), noteRecord(note)];
    const isImported = await inStep(context, this.#attempt, () =>
      storage.importContents({ ...batch, after: this.#note.position, put: { ...put, records } }),
    );
    if (!isImported) throw hasOtherContents(this.#attempt, false);
    this.#note = note;
  }
}

/** Whether a store without events has nothing else either. */
async function isEmpty(contents: StoreContents, store: string): Promise<boolean> {
  for (const part of ["keptKeys", "snapshots", "records"] as const) {
    for await (const page of readPart(contents, store, part)) if (page.length > 0) return false;
  }
  return true;
}

/** Whether nobody has stored an event in a copy, nor a record in one that is complete. */
async function isAsLeft(
  contents: StoreContents,
  store: string,
  note: CopyNote,
  lastPosition: number,
): Promise<boolean> {
  if (lastPosition !== note.position) return false;
  if (!note.isComplete) return true;
  for await (const page of copiedRecords(contents, store)) {
    if (page.some(({ revision }) => revision > note.lastRevision)) return false;
  }
  return true;
}

function hasOtherContents(attempt: string, isNoCopy: boolean): StorageError {
  const reason = isNoCopy
    ? "it has contents, and is not a copy"
    : "somebody else has written to it since the copy began, or another copy to it is under way";
  const message = `Cannot ${attempt}: the target cannot take it: ${reason}. Nothing was changed; copy to an empty store.`;
  return new StorageError("STORAGE_TARGET_EXISTS", message);
}
