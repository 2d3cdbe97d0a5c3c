import type { ContentsItems, ContentsPart } from "../../protocols/index.js";
import { PART_RULES } from "./part-rules.js";

/** The items of pages, one by one. */
export class ItemCursor<Item> {
  readonly #pages: AsyncIterator<readonly Item[]>;
  #page: readonly Item[] = [];
  #index = 0;
  #isAtEnd = false;

  constructor(pages: AsyncIterable<readonly Item[]>) {
    this.#pages = pages[Symbol.asyncIterator]();
  }

  /** The next item, which stays until `take`; undefined where there is none, or `load` has to be called. */
  get next(): Item | undefined {
    return this.#page[this.#index];
  }

  /** Whether the next item is not known. */
  get isDry(): boolean {
    return !this.#isAtEnd && this.#index >= this.#page.length;
  }

  /** Whether there is no further item. */
  get isAtEnd(): boolean {
    return this.#isAtEnd && this.#index >= this.#page.length;
  }

  /** Reads pages until the next item is known. */
  async load(): Promise<void> {
    while (this.isDry) {
      const { done, value } = await this.#pages.next();
      this.#isAtEnd = done === true;
      this.#page = done ? [] : value;
      this.#index = 0;
    }
  }

  take(): void {
    this.#index += 1;
  }

  /** Reads no more. */
  async close(): Promise<void> {
    this.#isAtEnd = true;
    await this.#pages.return?.();
  }
}

/**
 * Goes through two lists of items in the order of their keys.
 *
 * @param visit - gets an item of either list, or of both where they have the same key; false ends it
 * @returns whether both were at their end
 */
export async function merge<Part extends ContentsPart>(
  part: Part,
  source: ItemCursor<ContentsItems[Part]>,
  target: ItemCursor<ContentsItems[Part]>,
  visit: (inSource: ContentsItems[Part] | undefined, inTarget: ContentsItems[Part] | undefined) => boolean,
): Promise<boolean> {
  const { compare } = PART_RULES[part];
  for (;;) {
    if (source.isDry || target.isDry) await Promise.all([source.load(), target.load()]);
    const a: ContentsItems[Part] | undefined = source.next;
    const b: ContentsItems[Part] | undefined = target.next;
    if (a === undefined && b === undefined) return true;
    const order = a === undefined ? 1 : b === undefined ? -1 : compare(a, b);
    if (order <= 0) source.take();
    if (order >= 0) target.take();
    if (!visit(order <= 0 ? a : undefined, order >= 0 ? b : undefined)) return false;
  }
}
