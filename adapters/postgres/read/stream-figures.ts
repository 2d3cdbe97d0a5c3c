import { ALL_STREAM, type StreamMetrics } from "../../../protocols/index.js";
import type { PostgresConnection } from "../client/client.js";
import { markSQL } from "../history/store-mark.js";
import type { StoreNames } from "../open/schema.js";
import { bytesOf } from "../sql-text.js";
import type { ReadContext } from "./filter-sql.js";

/** The number of the stream whose id is the first value. */
export function streamNumber({ prefix }: StoreNames): string {
  return `(SELECT id FROM ${prefix}es_streams WHERE hash = sha256($1::bytea))`;
}

/** The last place of that stream, or of the store; null without events. */
export function headOf(names: StoreNames, isAll: boolean): string {
  const { prefix } = names;
  if (isAll) return `(SELECT max(position) FROM ${prefix}es_events)`;
  return `(SELECT version FROM ${prefix}es_events WHERE stream = ${streamNumber(names)} ORDER BY version DESC LIMIT 1)`;
}

/** The first version that it still has; null without events. */
export function firstOf({ prefix }: StoreNames): string {
  return `(SELECT first FROM ${prefix}es_streams WHERE hash = sha256($1::bytea))`;
}

/** The last position that was given or skipped. */
export function lastGiven({ prefix }: StoreNames): string {
  return `(SELECT greatest(value, (SELECT max(position) FROM ${prefix}es_events)) FROM ${prefix}es_counters WHERE name = 'position')`;
}

/** How many positions have no event any more, or never had one. */
export function goneFrom({ prefix }: StoreNames): string {
  return `((SELECT coalesce(sum(first - 1), 0)::bigint FROM ${prefix}es_streams)
           + (SELECT value FROM ${prefix}es_counters WHERE name = 'skipped'))`;
}

/** The last place of a stream, 0 without one. */
export async function readHead(
  connection: PostgresConnection,
  { names, marks }: Pick<ReadContext, "names" | "marks">,
  streamId: string,
): Promise<number> {
  const isAll = streamId === ALL_STREAM;
  const { rows } = await connection.query<{ head: number; mark: string }>({
    name: isAll ? "es_head_of_all" : "es_head",
    text: `SELECT coalesce(${headOf(names, isAll)}, 0) AS head, m.mark FROM (${markSQL(names, isAll)}) m`,
    values: isAll ? [] : [bytesOf(streamId)],
  });
  await marks.take(rows[0]?.mark, connection);
  return (rows[0] as { head: number }).head;
}

/** The number of events of a stream, and the place and time of the last one. */
export async function readMetrics(
  connection: PostgresConnection,
  names: StoreNames,
  streamId: string,
): Promise<StreamMetrics> {
  const isAll = streamId === ALL_STREAM;
  const events = `${names.prefix}es_events`;
  const where = isAll ? "" : `WHERE stream = ${streamNumber(names)}`;
  const place = isAll ? "position" : "version";
  const amount = isAll ? `${lastGiven(names)} - ${goneFrom(names)}` : `version - ${firstOf(names)} + 1`;
  const { rows } = await connection.query<{ amount: number; place: number; timestamp: number }>({
    text: `SELECT ${amount} AS amount, ${place} AS place, timestamp
           FROM ${events} ${where} ORDER BY ${place} DESC LIMIT 1`,
    values: isAll ? [] : [bytesOf(streamId)],
  });
  const [last] = rows;
  if (last === undefined) return { currentVersion: 0, eventCount: 0, lastTimestamp: null };
  return { currentVersion: last.place, eventCount: last.amount, lastTimestamp: new Date(last.timestamp) };
}
