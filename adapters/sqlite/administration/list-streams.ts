import type { ListStreamsQuery, StreamRow } from "../../../protocols/index.js";
import { storedObject } from "../../../src/adapter-kit/stored-json.js";
import { STREAM_METADATA_SPACE } from "../../../src/administration/reserved-spaces.js";
import { MAX_STREAM_ID_LENGTH } from "../../../src/limits.js";
import { DELETED_TYPE } from "../append/append-statements.js";
import type { SQLiteConnection } from "../drivers/driver.js";

/** Greater than what is left of any id, which begins with a smaller code point, or has it fewer times. */
const LAST_CODE_POINTS = "\u{10ffff}".repeat(MAX_STREAM_ID_LENGTH);

// SQLite compares UTF-8 byte by byte, which is the order of code points: what begins with a prefix (?1) is a range. An id is
// read as JSON, since it may have a zero character.
const inRange = (column: string) => `${column} > ?2 AND ${column} >= ?1 AND ${column} < ?1 || ?3`;
const LAST_VERSION = "(SELECT max(version) FROM es_events WHERE stream = s.id)";
const LIST = `
  WITH ids AS (
    SELECT id FROM (
      SELECT name AS id FROM es_streams AS s WHERE ${inRange("name")} AND ${LAST_VERSION} IS NOT NULL
      ORDER BY name LIMIT ?4 + 0)
    UNION
    SELECT id FROM (
      SELECT key AS id FROM es_records WHERE space = '${STREAM_METADATA_SPACE}' AND ${inRange("key")}
      ORDER BY key LIMIT ?4 + 0)
    ORDER BY id LIMIT ?4 + 0)
  SELECT json_quote(ids.id) AS streamId, e.version, s.first AS firstVersion, e.position, e.timestamp,
         e.type = ${DELETED_TYPE} AS isDeleted, r.value, r.revision
  FROM ids LEFT JOIN es_streams AS s ON s.name = ids.id
  LEFT JOIN es_events AS e ON e.stream = s.id AND e.version = ${LAST_VERSION}
  LEFT JOIN es_records AS r ON r.space = '${STREAM_METADATA_SPACE}' AND r.key = ids.id
  ORDER BY ids.id`;

interface Row {
  /** As JSON. */
  readonly streamId: string;
  readonly version: number | null;
  readonly firstVersion: number | null;
  readonly position: number | null;
  readonly timestamp: number | null;
  readonly isDeleted: 0 | 1 | null;
  readonly value: string | null;
  readonly revision: number | null;
}

/** The streams with events or metadata, by id. The last event of each is found by its index, and no event is counted. */
export async function listStreams(
  connection: SQLiteConnection,
  { prefix, after, limit }: ListStreamsQuery,
  location: string,
): Promise<readonly StreamRow[]> {
  const rows = await connection.all<Row>(LIST, [prefix, after, LAST_CODE_POINTS, limit]);
  return rows.map((row) => rowOf(row, location));
}

function rowOf(row: Row, location: string): StreamRow {
  const { streamId: id, version, firstVersion, position, timestamp, isDeleted, value, revision } = row;
  const streamId = JSON.parse(id) as string;
  const [last, first] = [version ?? 0, firstVersion ?? 1];
  return {
    streamId,
    version: last,
    firstVersion: first,
    eventCount: last - first + 1,
    lastPosition: position ?? 0,
    lastTimestampMs: timestamp,
    isDeleted: isDeleted === 1,
    metadata: value === null ? null : storedObject(value, `the metadata of stream "${streamId}" in ${location}`),
    metadataRevision: revision ?? 0,
  };
}
