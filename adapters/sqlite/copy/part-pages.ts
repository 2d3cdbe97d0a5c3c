import type {
  ContentsItems,
  ContentsKeys,
  ContentsPart,
  CopiedRecord,
  KeptKey,
  PrunedStream,
} from "../../../protocols/index.js";
import { soundSnapshot } from "../../../src/adapter-kit/stored-snapshot.js";
import { MAX_COPY_PAGE_BYTES, MAX_COPY_PAGE_ITEMS, MAX_RECORD_BYTES } from "../../../src/limits.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { type SnapshotRow, storedSnapshotOf } from "../snapshot-statements.js";

type PageOf<Part extends ContentsPart> = (
  connection: SQLiteConnection,
  after: ContentsKeys[Part] | undefined,
  location: string,
) => Promise<readonly ContentsItems[Part][]>;

// SQLite compares UTF-8 byte by byte, which is the order of code points. Names and keys are read as JSON, since they may
// have a zero character. A parameter that is the whole LIMIT would have the statement compiled again and again.

const PRUNED_STREAMS = `
  SELECT json_quote(name) AS streamId, first AS firstVersion FROM es_streams
  WHERE name > ?1 AND first > 1 ORDER BY name LIMIT ${MAX_COPY_PAGE_ITEMS}`;

const KEPT_KEYS = `
  SELECT json_quote(s.name) AS streamId, json_quote(k.key) AS key, k.version, k.position
  FROM es_streams AS s CROSS JOIN es_keys AS k ON k.stream = s.id
  WHERE s.name >= ?1 AND (s.name > ?1 OR k.key > ?2)
  ORDER BY s.name, k.key LIMIT ${MAX_COPY_PAGE_ITEMS}`;

// Sizes are added up before any state is read.
const SNAPSHOTS = `
  SELECT json_quote(p.stream) AS streamId, json_quote(p.projection) AS projection, p.version, p.timestamp, p.schema,
         p.codec, p.state, p.checksum
  FROM (
    SELECT row, sum(size) OVER (ORDER BY stream, projection, version ROWS UNBOUNDED PRECEDING) - size AS before
    FROM (
      SELECT rowid AS row, stream, projection, version, octet_length(state) AS size FROM es_snapshots
      WHERE (stream, projection, version) > (?1, ?2, ?3)
      ORDER BY stream, projection, version LIMIT ${MAX_COPY_PAGE_ITEMS}
    )
  ) AS wanted
  CROSS JOIN es_snapshots AS p ON p.rowid = wanted.row
  WHERE wanted.before < ${MAX_COPY_PAGE_BYTES}
  ORDER BY p.stream, p.projection, p.version`;

// A plain "ORDER BY space" would be the order of the JSON.
const RECORDS = `
  SELECT json_quote(r.space) AS space, json_quote(r.key) AS key, r.revision, r.value FROM es_records AS r
  WHERE (r.space, r.key) > (?1, ?2) ORDER BY r.space, r.key
  LIMIT ${Math.floor(MAX_COPY_PAGE_BYTES / MAX_RECORD_BYTES)}`;

/** Read the next page of each part. */
export const PART_PAGES: { readonly [Part in Exclude<ContentsPart, "events">]: PageOf<Part> } = {
  async prunedStreams(connection, after) {
    const rows = await connection.all<PrunedStream>(PRUNED_STREAMS, [after?.streamId ?? ""]);
    return rows.map((row) => ({ ...row, streamId: textOf(row.streamId) }));
  },

  async keptKeys(connection, after) {
    const rows = await connection.all<KeptKey>(KEPT_KEYS, [after?.streamId ?? "", after?.key ?? ""]);
    return rows.map((row) => ({ ...row, streamId: textOf(row.streamId), key: textOf(row.key) }));
  },

  async snapshots(connection, after, location) {
    const { streamId = "", projection = "", version = -1 } = after ?? {};
    const rows = await connection.all<SnapshotRow & { streamId: string; projection: string }>(SNAPSHOTS, [
      streamId,
      projection,
      version,
    ]);
    return rows.map((row) =>
      soundSnapshot(storedSnapshotOf(textOf(row.streamId), textOf(row.projection), row), location),
    );
  },

  async records(connection, after) {
    const rows = await connection.all<CopiedRecord>(RECORDS, [after?.space ?? "", after?.key ?? ""]);
    return rows.map((row) => ({ ...row, space: textOf(row.space), key: textOf(row.key) }));
  },
};

const textOf = (json: string): string => JSON.parse(json) as string;
