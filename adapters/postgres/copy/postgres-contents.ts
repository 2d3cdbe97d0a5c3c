import {
  type ContentsFigures,
  type ContentsItems,
  type ContentsKeys,
  type ContentsPart,
  type CopiedEvent,
  StorageError,
  type StoreContents,
} from "../../../protocols/index.js";
import { uncopiedEvent } from "../../../src/adapter-kit/damaged-event.js";
import { MAX_COPY_PAGE_BYTES, MAX_COPY_PAGE_ITEMS } from "../../../src/limits.js";
import { contentChecksum, placeChecksum } from "../checksum.js";
import type { PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { EVENT_COLUMNS, type EventRow, placedEventOf } from "../read/event-row.js";
import { lastGiven } from "../read/stream-figures.js";
import { quoteName, textOfHex } from "../sql-text.js";
import { Cursor } from "./cursor.js";
import { PART_ROWS, type PartRows } from "./part-rows.js";
import { readSnapshots, type SnapshotKeyRow } from "./read-snapshots.js";

/** The store that the contents are of. */
export interface ContentsContext {
  readonly names: StoreNames;
  readonly applicationSchema: string;
  readonly location: string;
}

/** The contents of a store, over a connection that is in a transaction which reads one state of it. */
export class PostgresContents implements StoreContents {
  readonly #connection: PostgresConnection;
  readonly #names: StoreNames;
  readonly #applicationSchema: string;
  readonly #location: string;

  constructor(connection: PostgresConnection, { names, applicationSchema, location }: ContentsContext) {
    this.#connection = connection;
    this.#names = names;
    this.#applicationSchema = applicationSchema;
    this.#location = location;
  }

  async readFigures(): Promise<ContentsFigures> {
    const { prefix } = this.#names;
    const { rows } = await this.#connection.query<ContentsFigures>({
      text: `
        SELECT (SELECT count(*) FROM ${prefix}es_events) AS "eventCount",
               (SELECT coalesce(max(position), 0) FROM ${prefix}es_events) AS "lastPosition",
               ${lastGiven(this.#names)} AS "givenPosition",
               (SELECT value FROM ${prefix}es_counters WHERE name = 'revision') AS "lastRevision"`,
    });
    return rows[0] as ContentsFigures;
  }

  // Those of extensions are not the application's.
  async listTables(): Promise<readonly string[]> {
    const { rows } = await this.#connection.query<{ name: string }>({
      text: `
        SELECT relname::text AS name FROM pg_class c
        WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p') AND NOT relispartition
          AND NOT EXISTS (SELECT FROM pg_depend d
            WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
        ORDER BY 1`,
      values: [quoteName(this.#applicationSchema)],
    });
    return rows.map(({ name }) => name);
  }

  read<Part extends ContentsPart>(
    part: Part,
    after?: ContentsKeys[Part],
  ): AsyncIterable<readonly ContentsItems[Part][]> {
    return this.#pagesOf(part, after) as AsyncIterable<readonly ContentsItems[Part][]>;
  }

  #pagesOf(part: ContentsPart, after: ContentsKeys[ContentsPart] | undefined): AsyncIterable<readonly unknown[]> {
    if (part === "events") return this.#events((after as ContentsKeys["events"] | undefined)?.position ?? 0);
    if (part === "snapshots") return this.#snapshots(after as ContentsKeys["snapshots"] | undefined);
    return this.#rows(part, after);
  }

  async *#events(after: number): AsyncGenerator<readonly CopiedEvent[], void> {
    for (let place = after; ; ) {
      const { rows } = await this.#connection.query<CopiedRow>({
        name: "es_copied_events",
        text: eventsSQL(this.#names),
        values: [place],
      });
      const last = rows.at(-1);
      if (last === undefined) return;
      yield rows.map((row) => eventOf(row, this.#location));
      place = last.position;
    }
  }

  async *#snapshots(after: ContentsKeys["snapshots"] | undefined): AsyncGenerator<readonly unknown[], void> {
    const { sql, valuesAfter } = PART_ROWS.snapshots;
    await using cursor = await Cursor.open<SnapshotKeyRow>(this.#connection, sql(this.#names), valuesAfter(after));
    for await (const keys of cursor.pages(MAX_COPY_PAGE_ITEMS)) {
      this.#assertWhole("snapshots", keys);
      yield* readSnapshots(this.#connection, this.#names, keys, this.#location);
    }
  }

  async *#rows(part: keyof typeof PART_ROWS, after: unknown): AsyncGenerator<readonly unknown[], void> {
    const { sql, valuesAfter, itemOf, pageItems } = PART_ROWS[part] as PartRows<object, unknown, unknown>;
    await using cursor = await Cursor.open<object>(this.#connection, sql(this.#names), valuesAfter(after));
    for await (const rows of cursor.pages(pageItems)) {
      this.#assertWhole(part, rows);
      yield rows.map(itemOf);
    }
  }

  /** The schema refuses a row that lacks a value, but someone may have changed the schema. */
  #assertWhole(part: keyof typeof PART_ROWS, rows: readonly object[]): void {
    if (!rows.some((row) => Object.values(row).includes(null))) return;
    const { table } = PART_ROWS[part];
    const message =
      `Cannot copy the store ${this.#location}: a row of its table ${table} lacks a value. The database is damaged; ` +
      "repair the row, or restore a backup.";
    throw new StorageError("STORAGE_CORRUPT", message);
  }
}

interface CopiedRow extends EventRow {
  /** Null where the stream has no name. */
  readonly name: string | null;
  readonly schema: string;
  readonly checksum: number;
}

// Sizes are added up before any large content is fetched from where the server keeps it.
function eventsSQL({ prefix }: StoreNames): string {
  return `
    SELECT * FROM (
      SELECT *, sum(size) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING)::bigint - size AS before FROM (
        SELECT ${EVENT_COLUMNS}, e.schema, e.checksum, s.name,
               coalesce(octet_length(e.data), octet_length(e.bytes), 0) + coalesce(octet_length(e.metadata), 0) AS size
        FROM ${prefix}es_events e LEFT JOIN ${prefix}es_streams s ON s.id = e.stream
        WHERE e.position > $1::bigint ORDER BY e.position LIMIT ${MAX_COPY_PAGE_ITEMS}
      ) e
    ) e WHERE before < ${MAX_COPY_PAGE_BYTES} ORDER BY position`;
}

/** @throws StorageError `STORAGE_CORRUPT` */
function eventOf(row: CopiedRow, location: string): CopiedEvent {
  const { position, version, timestamp, schema, checksum, name } = row;
  const streamId = name === null ? "" : textOfHex(name);
  const placed = placedEventOf(row, streamId);
  const found = contentChecksum(placed.event, streamId, timestamp, Number(schema)) ^ placeChecksum(position, version);
  if (name !== null && found === checksum) return placed;
  throw uncopiedEvent({ streamId, version, position }, location);
}
