import type { PlacedEvent } from "../../../protocols/index.js";
import type { SQLiteConnection, SQLiteValue } from "../drivers/driver.js";
import { CODEC_MADE_ID, STORED_CODEC } from "../event-codec.js";
import { SCHEMA_VERSION } from "../open/schema.js";
import { isConstraint, isMismatch } from "../sqlite-errors.js";
import { LAST_POSITION } from "./append-statements.js";
import { createViews, INSERT_INTO_EVENTS, STORE_HAS_CHANGED } from "./append-views.js";
import { encodeRows, type RowNumbers, rowValues } from "./event-rows.js";
import type { LastEvent } from "./remembered-store.js";

// Several events, as a row of es_append. ?1 to ?7 are its columns. ?8 and ?9 are the time and the id of the last event,
// or null. It fails with SQLITE_CONSTRAINT when the last event is not the one that was planned on: somebody else has
// appended since.
const IS_AS_PLANNED = `${LAST_POSITION} = ?2 AND ${isLastEvent({ position: "?2", timestamp: "?8", id: "?9" })}`;

/** The values of a row of es_append, with the parameters of `rowsParameters`. */
export const PLANNED_ROWS = `${IS_AS_PLANNED}, ?1, ?2, ?3, ?4, ?5, ?6, ?7`;
const INSERT_ROWS = `INSERT INTO es_append VALUES (${PLANNED_ROWS})`;

// A single event, with its values bound one by one, which costs less than a row of JSON. With a SELECT that reads the table,
// SQLite would copy the row into a temporary table first. Where the store is not as planned, it fails with
// SQLITE_CONSTRAINT: no event is without a stream. The parameters are those of `oneParameters`: that some come twice costs
// less than to number them.
export const INSERT_ONE = `${INSERT_INTO_EVENTS}
  VALUES (? + 1, CASE WHEN ${LAST_POSITION} = ? AND ${isLastEvent({ position: "?", timestamp: "?", id: "?" })} THEN ? END,
          ?, ?, ${SCHEMA_VERSION}, ?, ?, CASE WHEN ? THEN unhex(?, '-') ELSE ? END, ?, ?, ?)`;

/**
 * Whether the last event is the one that was planned on; so it is taken to be where no id is given. The position alone
 * does not tell: a copy that was put in place of the store may have grown back to it.
 */
function isLastEvent({ position, timestamp, id }: { position: string; timestamp: string; id: string }): string {
  return `(${id} IS NULL OR EXISTS (
    SELECT 1 FROM es_events WHERE position = ${position} AND timestamp = ${timestamp} AND id IN (${id}, unhex(${id}, '-'))))`;
}

/**
 * Inserts events at the places that they were planned for, if the store is still as it was planned on. The rows of one
 * statement are made while the one before it runs.
 *
 * @param lastEvent - what the store has to end with; left out inside a transaction, where nobody else can append
 * @returns whether they were inserted; only the first statement of a transaction can find the store changed
 */
export async function insertEvents(
  connection: SQLiteConnection,
  chunks: readonly (readonly PlacedEvent[])[],
  numbers: RowNumbers,
  lastEvent?: LastEvent,
): Promise<boolean> {
  if (chunks.some((chunk) => chunk.length > 1)) await createViews(connection);
  try {
    let running: Promise<unknown> | undefined;
    for (const chunk of chunks) {
      const { sql, parameters } = insertionOf(chunk, numbers, running === undefined ? lastEvent : undefined);
      if (running !== undefined) await running;
      running = connection.run(sql, parameters);
    }
    await running;
    return true;
  } catch (error) {
    if (isOfChangedStore(error)) return false;
    throw error;
  }
}

/** How the messages end of what INSERT_ONE and INSERT_ROWS fail with where the store has changed. */
const CHANGED = ["NOT NULL constraint failed: es_events.stream", STORE_HAS_CHANGED];

function isOfChangedStore(error: unknown): boolean {
  // The counter of positions cannot be so large.
  if (isMismatch(error)) return true;
  return isConstraint(error) && CHANGED.some((message) => (error as Error).message.endsWith(message));
}

interface Insertion {
  readonly sql: string;
  readonly parameters: readonly SQLiteValue[];
}

function insertionOf(chunk: readonly PlacedEvent[], numbers: RowNumbers, lastEvent?: LastEvent): Insertion {
  const [first] = chunk as readonly [PlacedEvent];
  if (chunk.length > 1) return { sql: INSERT_ROWS, parameters: rowsParameters(chunk, numbers, lastEvent) };
  return { sql: INSERT_ONE, parameters: oneParameters(first, numbers, lastEvent) };
}

/** The parameters of INSERT_ONE. */
function oneParameters(placed: PlacedEvent, numbers: RowNumbers, lastEvent: LastEvent | undefined): SQLiteValue[] {
  const [before, stream, version, time, bound, type, id, data, metadata, checksum] = rowValues(placed, numbers);
  const [lastTime, lastId] = guardOf(lastEvent);
  const [codec, isMade] = [bound & STORED_CODEC, bound & CODEC_MADE_ID];
  // biome-ignore format: in the order of the statement's lines
  return [
    before, before, lastId, before, lastTime, lastId, lastId, stream,
    version, time, codec, type, isMade, id, id, data, metadata, checksum,
  ];
}

/** The parameters of INSERT_ROWS. */
export function rowsParameters(
  events: readonly PlacedEvent[],
  numbers: RowNumbers,
  lastEvent?: LastEvent,
): SQLiteValue[] {
  const [first] = events as readonly [PlacedEvent];
  const { json, stream, firstVersion, codec, type } = encodeRows(events, numbers);
  return [json, first.position - 1, first.timestampMs, stream, firstVersion, codec, type, ...guardOf(lastEvent)];
}

function guardOf(lastEvent: LastEvent | undefined): [number | null, string | null] {
  return [lastEvent?.timestampMs ?? null, lastEvent?.id ?? null];
}
