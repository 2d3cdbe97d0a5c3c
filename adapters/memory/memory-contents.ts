import {
  ALL_STREAM,
  type ContentsFigures,
  type ContentsItems,
  type ContentsKeys,
  type ContentsPart,
  type StoreContents,
} from "../../protocols/index.js";
import { contentsPages } from "../../src/copy/contents-pages.js";
import { PART_RULES } from "../../src/copy/part-rules.js";
import { indexOfFirst } from "./index-of-first.js";
import { headOf } from "./memory-events.js";
import type { MemoryState } from "./memory-session.js";
import type { MemorySnapshots } from "./memory-snapshots.js";

type Items = { readonly [Part in ContentsPart]: readonly ContentsItems[Part][] };

/** The contents of a store as they were when this was made. */
export class MemoryContents implements StoreContents {
  readonly #items: Items;
  readonly #figures: ContentsFigures;

  constructor({ events, records }: MemoryState, snapshots: MemorySnapshots) {
    this.#items = {
      events: events.slice(ALL_STREAM, 0, events.count(ALL_STREAM)),
      prunedStreams: [...events.prunedStreams()],
      keptKeys: [...events.keptKeys()],
      snapshots: snapshots.all(),
      records: [...records.all()],
    };
    this.#figures = {
      eventCount: this.#items.events.length,
      lastPosition: headOf(events, ALL_STREAM),
      givenPosition: events.position,
      lastRevision: records.lastRevision,
    };
  }

  async readFigures(): Promise<ContentsFigures> {
    return this.#figures;
  }

  async *read<Part extends ContentsPart>(
    part: Part,
    after?: ContentsKeys[Part],
  ): AsyncGenerator<readonly ContentsItems[Part][], void> {
    const { compare } = PART_RULES[part];
    const items: readonly ContentsItems[Part][] = this.#items[part];
    // Events are in order already.
    const inOrder = part === "events" ? items : [...items].sort(compare);
    const start = after === undefined ? 0 : indexOfFirst(inOrder, (item) => compare(item, after) > 0);
    yield* contentsPages(part, inOrder.slice(start));
  }
}
