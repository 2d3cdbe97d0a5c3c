import {
  type ContentsFigures,
  type ContentsItems,
  type ContentsKeys,
  type ContentsPart,
  type CopiedEvent,
  StorageError,
  type StoreContents,
} from "../../../protocols/index.js";
import { MAX_COPY_PAGE_BYTES, MAX_COPY_PAGE_ITEMS } from "../../../src/limits.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { applicationTablesOf } from "../maintenance/application-tables.js";
import { pageEnd } from "../maintenance/event-rows.js";
import { storageError } from "../sqlite-errors.js";
import { readCopiedEvents } from "./copied-events.js";
import { PART_PAGES } from "./part-pages.js";

/** What is attempted, for messages. */
export const COPYING = "copy the store";

const FIGURES = `
  SELECT (SELECT count(*) FROM es_events) AS eventCount,
         (SELECT coalesce(max(position), 0) FROM es_events) AS lastPosition,
         (SELECT seq FROM sqlite_sequence WHERE name = 'es_events') AS givenPosition,
         (SELECT value FROM es_counters WHERE name = 'revision') AS lastRevision`;

const EVENTS_PAGE = { events: MAX_COPY_PAGE_ITEMS, bytes: MAX_COPY_PAGE_BYTES };

/** The contents of a store, over a connection that is in a read transaction. */
export class SQLiteContents implements StoreContents {
  readonly #connection: SQLiteConnection;
  readonly #location: string;
  readonly #assertWanted: () => void;

  constructor(connection: SQLiteConnection, location: string, assertWanted: () => void) {
    this.#connection = connection;
    this.#location = location;
    this.#assertWanted = assertWanted;
  }

  async readFigures(): Promise<ContentsFigures> {
    const [figures] = await this.#saying(() => this.#connection.all<ContentsFigures>(FIGURES));
    return figures as ContentsFigures;
  }

  async listTables(): Promise<readonly string[]> {
    return (await this.#saying(() => applicationTablesOf(this.#connection))).map(({ name }) => name);
  }

  read<Part extends ContentsPart>(
    part: Part,
    after?: ContentsKeys[Part],
  ): AsyncIterable<readonly ContentsItems[Part][]> {
    const pages = part === "events" ? this.#events(after as ContentsKeys["events"]) : this.#items(part, after);
    return pages as AsyncIterable<readonly ContentsItems[Part][]>;
  }

  async *#events(after: ContentsKeys["events"] = { position: 0 }): AsyncGenerator<readonly CopiedEvent[], void> {
    const { lastPosition } = await this.readFigures();
    for (let place = after.position; place < lastPosition; ) {
      this.#assertWanted();
      const end = await this.#saying(() => pageEnd(this.#connection, place, lastPosition, EVENTS_PAGE));
      yield await this.#saying(() => readCopiedEvents(this.#connection, place, end, this.#location));
      place = end;
    }
  }

  async *#items(
    part: Exclude<ContentsPart, "events">,
    after: unknown,
  ): AsyncGenerator<readonly ContentsItems[ContentsPart][], void> {
    const readNext = PART_PAGES[part] as (
      connection: SQLiteConnection,
      after: unknown,
      location: string,
    ) => Promise<readonly ContentsItems[ContentsPart][]>;
    for (let place = after; ; ) {
      this.#assertWanted();
      const page = await this.#saying(() => readNext(this.#connection, place, this.#location));
      if (page.length === 0) return;
      yield page;
      place = page.at(-1);
    }
  }

  /** Says why a read failed. A text that has become bytes by damage cannot be a part of JSON. */
  async #saying<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      const isBytes = error instanceof Error && /JSON cannot hold BLOB values/.test(error.message);
      if (!isBytes) throw storageError(error, COPYING, this.#location);
      const message =
        `Cannot copy the store ${this.#location}: what was stored as text is bytes. The database is damaged; verify() ` +
        "lists what is.";
      throw new StorageError("STORAGE_CORRUPT", message, { cause: error });
    }
  }
}
