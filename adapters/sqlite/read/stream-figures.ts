import { ALL_STREAM, type ReadQuery, type StreamMetrics } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";

/** The number of the stream that the first parameter names. */
export const STREAM = "(SELECT id FROM es_streams WHERE name = ?1)";
/** The version of its last event, null without one. */
export const STREAM_HEAD = `(SELECT version FROM es_events WHERE stream = ${STREAM} ORDER BY version DESC LIMIT 1)`;
/** The first version that the stream still has, null where the stream has no number. */
export const STREAM_FIRST = "(SELECT first FROM es_streams WHERE name = ?1)";
/** The last position in the store, null without events. */
export const ALL_HEAD = "(SELECT max(position) FROM es_events)";

export const HEAD_OF_STREAM = `SELECT coalesce(${STREAM_HEAD}, 0) AS head`;
const HEAD_OF_ALL = `SELECT coalesce(${ALL_HEAD}, 0) AS head`;

/** The last place of a stream, 0 without one. */
export async function head(connection: SQLiteConnection, { streamId }: Pick<ReadQuery, "streamId">): Promise<number> {
  const isAll = streamId === ALL_STREAM;
  const [row] = isAll
    ? await connection.all<{ head: number }>(HEAD_OF_ALL)
    : await connection.all<{ head: number }>(HEAD_OF_STREAM, [streamId]);
  return (row as { head: number }).head;
}

const METRICS_OF_STREAM = `
  SELECT version - ${STREAM_FIRST} + 1 AS eventCount, version AS place, timestamp
  FROM es_events WHERE stream = ${STREAM} ORDER BY version DESC LIMIT 1`;

/** How many positions have no event any more, or never had one. */
export const GONE = `(
  (SELECT coalesce(sum(first - 1), 0) FROM es_streams) + (SELECT value FROM es_counters WHERE name = 'skipped'))`;

const METRICS_OF_ALL = `
  SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'es_events') - ${GONE} AS eventCount, position AS place, timestamp
  FROM es_events WHERE ?1 IS NOT NULL ORDER BY position DESC LIMIT 1`;

/** The number of events of a stream, and the place and time of the last one. */
export async function readMetrics(
  connection: SQLiteConnection,
  { streamId }: { readonly streamId: string },
): Promise<StreamMetrics> {
  type Row = { eventCount: number; place: number; timestamp: number };
  const [row] = await connection.all<Row>(streamId === ALL_STREAM ? METRICS_OF_ALL : METRICS_OF_STREAM, [streamId]);
  if (row === undefined) return { currentVersion: 0, eventCount: 0, lastTimestamp: null };
  return { currentVersion: row.place, eventCount: row.eventCount, lastTimestamp: new Date(row.timestamp) };
}
