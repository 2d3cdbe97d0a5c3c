import { type CopiedEvent, StorageError, type StoreContents } from "../../protocols/index.js";
import { readNote } from "./copy-note.js";
import type { CopySide } from "./copy-side.js";
import { PART_RULES } from "./part-rules.js";
import { assertNoTables } from "./uncopied-tables.js";
import { unfinishedCopy } from "./unfinished-copy.js";

/**
 * Checks that a store can be copied.
 *
 * @returns how many events it has
 * @throws StorageError `STORAGE_COPY_UNFINISHED`, `STORAGE_UNSUPPORTED`
 */
export async function checkSource(
  contents: StoreContents,
  { name }: CopySide,
  tables: "none" | undefined,
  attempt: string,
): Promise<number> {
  const note = await readNote(contents, name);
  if (note !== undefined && !note.isComplete) throw unfinishedCopy(note, "copy", name);
  if (tables !== "none") await assertNoTables(contents, name, attempt);
  return (await contents.readFigures()).eventCount;
}

/**
 * Checks that a copy was made of this store: the last event of the copy is in it, or was removed from it since.
 *
 * @throws StorageError `STORAGE_TARGET_EXISTS`
 */
export async function assertSameSource(source: CopySide, target: CopySide, attempt: string): Promise<void> {
  const last = await target.storage.exportContents(lastEvent);
  if (last === undefined) return;
  const found = await source.storage.exportContents((contents) => firstEvent(contents, last.position - 1));
  if (found?.position === last.position && PART_RULES.events.isSame(found, last)) return;
  const isRemoved = found !== undefined && found.position > last.position && (await wasRemoved(source, last));
  if (isRemoved) return;
  const message =
    `Cannot ${attempt}: the target has events up to position ${last.position} of another store, or the source is an older ` +
    "copy of the one that was copied. Nothing was changed; copy to an empty store.";
  throw new StorageError("STORAGE_TARGET_EXISTS", message);
}

async function lastEvent(contents: StoreContents): Promise<CopiedEvent | undefined> {
  const { lastPosition } = await contents.readFigures();
  return lastPosition === 0 ? undefined : firstEvent(contents, lastPosition - 1);
}

async function firstEvent(contents: StoreContents, after: number): Promise<CopiedEvent | undefined> {
  for await (const [event] of contents.read("events", { position: after })) return event;
  return undefined;
}

async function wasRemoved({ storage }: CopySide, { streamId, version }: CopiedEvent): Promise<boolean> {
  const query = { streamId, after: version - 1, limit: 1, direction: "forward" } as const;
  const { first = 1, head } = await storage.readPage(query);
  return first > version && head > version;
}
