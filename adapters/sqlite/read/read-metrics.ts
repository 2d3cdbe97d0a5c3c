import { ALL_STREAM, type StreamMetrics } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";

const OF_STREAM = `
  WITH s AS (SELECT id FROM es_streams WHERE name = ?1)
  SELECT (SELECT count(*) FROM es_events WHERE stream = (SELECT id FROM s)) AS eventCount, version AS place, timestamp
  FROM es_events WHERE stream = (SELECT id FROM s) ORDER BY version DESC LIMIT 1`;

const OF_ALL = `
  SELECT (SELECT count(*) FROM es_events) AS eventCount, position AS place, timestamp
  FROM es_events WHERE ?1 IS NOT NULL ORDER BY position DESC LIMIT 1`;

export async function readMetrics(
  connection: SQLiteConnection,
  { streamId }: { readonly streamId: string },
): Promise<StreamMetrics> {
  type Row = { eventCount: number; place: number; timestamp: number };
  const [row] = await connection.all<Row>(streamId === ALL_STREAM ? OF_ALL : OF_STREAM, [streamId]);
  if (row === undefined) return { currentVersion: 0, eventCount: 0, lastTimestamp: null };
  return { currentVersion: row.place, eventCount: row.eventCount, lastTimestamp: new Date(row.timestamp) };
}
