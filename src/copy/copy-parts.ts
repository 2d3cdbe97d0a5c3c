import type { ContentsItems, ContentsPart, StoreContents } from "../../protocols/index.js";
import { MAX_COPY_PAGE_BYTES, MAX_COPY_PAGE_ITEMS } from "../limits.js";
import { type CopyProgressContext, differs, wanted } from "./copy-events.js";
import { readPart } from "./copy-side.js";
import type { ImportedBatch } from "./copy-target.js";
import { ItemCursor, merge } from "./item-cursor.js";
import { PART_RULES } from "./part-rules.js";

/** The parts that can change, and are brought to the state of one moment. */
export const CHANGING_PARTS = ["prunedStreams", "keptKeys", "snapshots", "records"] as const;

type ChangingPart = (typeof CHANGING_PARTS)[number];

/** Makes a part of the copy what it is in the source. */
export async function copyPart(
  contents: StoreContents,
  part: ChangingPart,
  context: CopyProgressContext,
): Promise<void> {
  // A stream of which much was removed takes several steps.
  for (let before: string | undefined; ; ) {
    const difference = await copyDifferences(contents, part, context);
    if (difference === undefined || part !== "prunedStreams") return;
    if (difference === before) throw differs(context.attempt, difference);
    before = difference;
  }
}

/** @returns what the first difference was, if there was one */
async function copyDifferences<Part extends ChangingPart>(
  contents: StoreContents,
  part: Part,
  { source: from, target, assertWanted }: CopyProgressContext,
): Promise<string | undefined> {
  const source = new ItemCursor(wanted(readPart(contents, from, part), assertWanted));
  let first: string | undefined;
  let last: ContentsItems[Part] | undefined;
  let isCopyAtEnd = false;
  try {
    for (;;) {
      const changes = new Changes(part);
      const mergePages = async (pages: AsyncIterable<readonly ContentsItems[Part][]>): Promise<boolean> => {
        const copy = new ItemCursor(pages);
        try {
          return await merge(part, source, copy, (inSource, inCopy) => {
            last = inSource ?? inCopy;
            return changes.add(inSource, inCopy);
          });
        } finally {
          isCopyAtEnd = copy.isAtEnd;
          await copy.close();
        }
      };
      // The copy is not read while it is written: a store in memory could not do both.
      const isAtEnd = isCopyAtEnd
        ? await mergePages(NO_PAGES)
        : await target.side.storage.exportContents((copied) =>
            mergePages(readPart(copied, target.side.name, part, last)),
          );
      first ??= changes.first;
      if (changes.first !== undefined) await target.import(changes.batch, { isComplete: false });
      if (isAtEnd) return first;
    }
  } finally {
    await source.close();
  }
}

const NO_PAGES: AsyncIterable<never> = {
  [Symbol.asyncIterator]: () => ({ next: async () => ({ done: true, value: undefined }) }),
};

/** The changes of one batch. */
class Changes<Part extends ChangingPart> {
  readonly #part: Part;
  readonly #put: ContentsItems[Part][] = [];
  readonly #remove: ContentsItems[Part][] = [];
  #bytes = 0;
  /** What the first change was. */
  first: string | undefined;

  constructor(part: Part) {
    this.#part = part;
  }

  get batch(): ImportedBatch {
    return { remove: { [this.#part]: this.#remove }, put: { [this.#part]: this.#put } } as ImportedBatch;
  }

  /** Takes what it needs to make an item of the copy that of the source. @returns whether there is room for more */
  add(inSource: ContentsItems[Part] | undefined, inCopy: ContentsItems[Part] | undefined): boolean {
    const { isSame, bytesOf, nameOf } = PART_RULES[this.#part];
    const isCopied = inSource !== undefined && inCopy !== undefined && isSame(inSource, inCopy);
    if (isCopied) return true;
    const item = (inSource ?? inCopy) as ContentsItems[Part];
    this.first ??= nameOf(inCopy ?? item);
    (inSource === undefined ? this.#remove : this.#put).push(item);
    this.#bytes += inSource === undefined ? 0 : bytesOf(item);
    return this.#put.length + this.#remove.length < MAX_COPY_PAGE_ITEMS && this.#bytes < MAX_COPY_PAGE_BYTES;
  }
}

/**
 * Compares a part of the copy with the source.
 *
 * @returns how many items it has
 * @throws StorageError `STORAGE_CORRUPT` when one differs
 */
export async function comparePart<Part extends ContentsPart>(
  contents: StoreContents,
  part: Part,
  { source: from, target, assertWanted, attempt }: CopyProgressContext,
): Promise<number> {
  const { isSame, nameOf } = PART_RULES[part];
  return target.side.storage.exportContents(async (copied) => {
    const source = new ItemCursor(wanted(readPart(contents, from, part), assertWanted));
    const copy = new ItemCursor(readPart(copied, target.side.name, part));
    let items = 0;
    try {
      await merge(part, source, copy, (inSource, inCopy) => {
        if (inSource === undefined || inCopy === undefined || !isSame(inSource, inCopy)) {
          throw differs(attempt, nameOf((inSource ?? inCopy) as ContentsItems[Part]));
        }
        items += 1;
        return true;
      });
    } finally {
      await Promise.all([source.close(), copy.close()]);
    }
    return items;
  });
}
