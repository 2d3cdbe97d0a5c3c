import type { PlacedEvent } from "../../../src/adapter-kit/placed-event.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import type { RowNumbers } from "./event-rows.js";
import { INSERT_ROWS, IS_AS_PLANNED, rowsParameters } from "./insert-events.js";
import type { LastEvent } from "./remembered-store.js";

/** Names that the store has no numbers for yet: the first gets `firstId`, and the others those that follow. */
export interface NewNames {
  readonly firstId: number;
  readonly names: readonly string[];
}

const PARAMETERS = Array.from({ length: 9 }, (_, index) => `p${index + 1}`);

/** A statement of the trigger: what is bound elsewhere is a column of the view here. */
const ofView = (sql: string): string => sql.replaceAll(/\?(\d)/g, "NEW.p$1");

// An INSERT goes into one table. Into a view with a trigger it goes into three, and stays one statement: it takes the
// write lock, and lets it go, without waiting for the main thread in between. Both are of this connection alone.
const CREATE_VIEW = `
  CREATE TEMP VIEW IF NOT EXISTS es_append AS
  SELECT NULL AS firstStream, NULL AS streams, NULL AS firstType, NULL AS types,
         ${PARAMETERS.map((name) => `NULL AS ${name}`).join(", ")};
  CREATE TEMP TRIGGER IF NOT EXISTS es_append_with_names INSTEAD OF INSERT ON es_append BEGIN
    SELECT raise(ABORT, 'the store has changed') WHERE (${ofView(IS_AS_PLANNED)}) IS NOT TRUE;
    INSERT INTO es_streams (id, name) SELECT NEW.firstStream + key, value FROM json_each(NEW.streams);
    INSERT INTO es_types (id, name) SELECT NEW.firstType + key, value FROM json_each(NEW.types);
    ${ofView(INSERT_ROWS)};
  END;`;

const INSERT_WITH_NAMES = `INSERT INTO es_append VALUES (?10, ?11, ?12, ?13, ${PARAMETERS.map((_, index) => `?${index + 1}`).join(", ")})`;

/** The connections that have the view. */
const withView = new WeakSet<SQLiteConnection>();

async function createView(connection: SQLiteConnection): Promise<void> {
  if (withView.has(connection)) return;
  await connection.exec(CREATE_VIEW);
  withView.add(connection);
}

/** Prepares what the first new name takes. */
export async function prepareInsertWithNames(connection: SQLiteConnection): Promise<void> {
  await createView(connection);
  await connection.prepare(INSERT_WITH_NAMES);
}

/**
 * Inserts events, and before them the names of streams and types that are new with them, by one statement.
 *
 * It fails with SQLITE_CONSTRAINT, and changes nothing, where the store does not end with `lastEvent` any more.
 */
export async function insertWithNames(
  connection: SQLiteConnection,
  events: readonly PlacedEvent[],
  numbers: RowNumbers,
  lastEvent: LastEvent,
  { newStreams, newTypes }: { readonly newStreams: NewNames; readonly newTypes: NewNames },
): Promise<void> {
  await createView(connection);
  await connection.run(INSERT_WITH_NAMES, [
    ...rowsParameters(events, numbers, lastEvent),
    newStreams.firstId,
    JSON.stringify(newStreams.names),
    newTypes.firstId,
    JSON.stringify(newTypes.names),
  ]);
}
