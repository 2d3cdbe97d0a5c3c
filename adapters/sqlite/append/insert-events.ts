import type { PlacedEvent } from "../../../src/adapter-kit/placed-event.js";
import type { RunResult, SQLiteConnection, SQLiteValue } from "../drivers/driver.js";
import { CODEC_BYTES, CODEC_MADE_ID, STORED_CODEC } from "../event-codec.js";
import { SCHEMA_VERSION } from "../open/schema.js";
import { isConstraint } from "../sqlite-errors.js";
import { LAST_POSITION } from "./append-statements.js";
import { encodeRows, type RowNumbers, rowValues } from "./event-rows.js";
import type { LastEvent } from "./remembered-store.js";

const INSERT = `
  INSERT INTO es_events (position, stream, version, timestamp, schema, codec, type, id, data, metadata, checksum)`;

// ?1 rows as JSON, ?2 the last position that the rows were planned on, ?3 milliseconds since 1970.
// ?4 to ?7 what all rows share: the stream, the version of the first, the codec, and the type.
// ?8 and ?9 the time and the id of the last event, or null.
// Nothing is inserted when the last event is not the one that was planned on: somebody else has appended since.
// jsonb_each hands each row on in SQLite's binary form, so that no text is parsed more than once.
const CODEC = "coalesce(?6, value ->> 6)";
export const IS_AS_PLANNED = `${LAST_POSITION} = ?2 AND ${isLastEvent({ position: "?2", timestamp: "?8", id: "?9" })}`;
export const INSERT_ROWS = `${INSERT}
  SELECT ?2 + 1 + key, coalesce(?4, value ->> 4), coalesce(?5 + key, value ->> 5), ?3, ${SCHEMA_VERSION}, ${CODEC} & ${STORED_CODEC},
         coalesce(?7, value ->> 7),
         CASE WHEN ${CODEC} & ${CODEC_MADE_ID} THEN unhex(value ->> 0, '-') ELSE value ->> 0 END,
         CASE WHEN ${CODEC} & ${CODEC_BYTES} THEN unhex(value ->> 1) ELSE value -> 1 END,
         value ->> 2, value ->> 3
  FROM jsonb_each(?1)
  WHERE ${IS_AS_PLANNED}`;

// A single event, with its values bound one by one (rowValues), which costs less than a row of JSON. With a SELECT that
// reads the table, SQLite would copy the row into a temporary table first. So it fails with SQLITE_CONSTRAINT instead of
// inserting nothing where the store is not as planned: no event is without a stream.
export const INSERT_ONE = `${INSERT}
  VALUES (?1 + 1,
          CASE WHEN ${LAST_POSITION} = ?1 AND ${isLastEvent({ position: "?1", timestamp: "?11", id: "?12" })} THEN ?2 END,
          ?3, ?4, ${SCHEMA_VERSION}, ?5 & ${STORED_CODEC}, ?6,
          CASE WHEN ?5 & ${CODEC_MADE_ID} THEN unhex(?7, '-') ELSE ?7 END, ?8, ?9, ?10)`;

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
  try {
    let running: Promise<RunResult> | undefined;
    let inserted = 0;
    for (const chunk of chunks) {
      const { sql, parameters } = insertionOf(chunk, numbers, running === undefined ? lastEvent : undefined);
      if (running !== undefined && (await running).changes !== inserted) return false;
      running = connection.run(sql, parameters);
      inserted = chunk.length;
    }
    return running === undefined || (await running).changes === inserted;
  } catch (error) {
    if (isOfChangedStore(error)) return false;
    throw error;
  }
}

/** Whether INSERT_ONE found the store changed. */
function isOfChangedStore(error: unknown): boolean {
  return isConstraint(error) && (error as Error).message.endsWith("NOT NULL constraint failed: es_events.stream");
}

interface Insertion {
  readonly sql: string;
  readonly parameters: readonly SQLiteValue[];
}

function insertionOf(chunk: readonly PlacedEvent[], numbers: RowNumbers, lastEvent?: LastEvent): Insertion {
  const [first] = chunk as readonly [PlacedEvent];
  if (chunk.length > 1) return { sql: INSERT_ROWS, parameters: rowsParameters(chunk, numbers, lastEvent) };
  return { sql: INSERT_ONE, parameters: [...rowValues(first, numbers), ...guardOf(lastEvent)] };
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
