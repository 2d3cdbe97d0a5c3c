import { type CopiedEvent, StorageError, type StoreContents } from "../../protocols/index.js";
import { MAX_COPY_PAGE_ITEMS, MAX_COPY_SESSION_PAGES } from "../limits.js";
import type { CopyTarget } from "./copy-target.js";
import { ItemCursor, merge } from "./item-cursor.js";
import { PART_RULES } from "./part-rules.js";
import { readAhead } from "./read-ahead.js";

/** What the steps of a copy share. */
export interface CopyProgressContext {
  /** The name of the store that is copied. */
  readonly source: string;
  readonly target: CopyTarget;
  readonly attempt: string;
  /** Throws when the copy is not wanted any more. Asked before each page. */
  readonly assertWanted: () => void;
  /** Called after each batch. */
  readonly onCopied: (events: number) => void;
}

/** How many pages are read of one state of the source. Null: all. */
type PageLimit = number | null;

/** Copies the events of the source that the copy lacks, up to a position, or some of them. */
export async function copyEvents(
  contents: StoreContents,
  upTo: number,
  { target, assertWanted, onCopied }: CopyProgressContext,
  maxPages: PageLimit = MAX_COPY_SESSION_PAGES,
): Promise<void> {
  let pages = 0;
  for await (const page of readAhead(eventsUpTo(contents, target.note.position, upTo))) {
    assertWanted();
    const { position } = page.at(-1) as CopiedEvent;
    await target.import({ put: { events: page } }, { position, isComplete: false });
    onCopied(page.length);
    pages += 1;
    if (pages === maxPages) return;
  }
}

/**
 * Compares the events of the copy with those of the source, from where they were compared last on, or some of them.
 *
 * @param mayBeRemoved - whether the source may lack events that were removed since they were copied
 * @returns the position up to which they were compared
 * @throws StorageError `STORAGE_CORRUPT` when an event differs or is missing
 */
export async function compareEvents(
  contents: StoreContents,
  { target, assertWanted, attempt }: CopyProgressContext,
  mayBeRemoved: boolean,
): Promise<number> {
  const { verifiedPosition, position: end } = target.note;
  const maxItems = mayBeRemoved ? MAX_COPY_SESSION_PAGES * MAX_COPY_PAGE_ITEMS : Number.POSITIVE_INFINITY;
  return target.side.storage.exportContents(async (copied) => {
    const source = new ItemCursor(wanted(eventsUpTo(contents, verifiedPosition, end), assertWanted));
    const copy = new ItemCursor(eventsUpTo(copied, verifiedPosition, end));
    let compared = 0;
    let place = verifiedPosition;
    try {
      const isAtEnd = await merge("events", source, copy, (inSource, inCopy) => {
        const isSame = inSource !== undefined && inCopy !== undefined && PART_RULES.events.isSame(inSource, inCopy);
        const isRemoved = mayBeRemoved && inSource === undefined;
        const event = (inSource ?? inCopy) as CopiedEvent;
        if (!isSame && !isRemoved) throw differs(attempt, PART_RULES.events.nameOf(event));
        place = event.position;
        compared += 1;
        return compared < maxItems;
      });
      return isAtEnd ? end : place;
    } finally {
      await Promise.all([source.close(), copy.close()]);
    }
  });
}

async function* eventsUpTo(
  contents: StoreContents,
  after: number,
  upTo: number,
): AsyncGenerator<readonly CopiedEvent[], void> {
  if (after >= upTo) return;
  for await (const page of contents.read("events", { position: after })) {
    const isCut = (page.at(-1)?.position ?? 0) >= upTo;
    const events = isCut ? page.filter(({ position }) => position <= upTo) : page;
    if (events.length > 0) yield events;
    if (isCut) return;
  }
}

/** The pages, as long as they are wanted. */
export async function* wanted<Page>(pages: AsyncIterable<Page>, assertWanted: () => void): AsyncGenerator<Page, void> {
  for await (const page of pages) {
    assertWanted();
    yield page;
  }
}

/** Says that a copy is not what its source is. */
export function differs(attempt: string, what: string): StorageError {
  const message =
    `Cannot ${attempt}: ${what} is not in the copy what it is in the source. The copy cannot be used; delete it, verify ` +
    "the source, and copy again.";
  return new StorageError("STORAGE_CORRUPT", message);
}
