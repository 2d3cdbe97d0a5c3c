import type { PlacedEvent } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { createViews } from "./append-views.js";
import type { RowNumbers } from "./event-rows.js";
import { PLANNED_ROWS, rowsParameters } from "./insert-events.js";
import type { LastEvent } from "./remembered-store.js";

/** Names that the store has no numbers for yet: the first gets `firstId`, and the others those that follow. */
export interface NewNames {
  readonly firstId: number;
  readonly names: readonly string[];
}

const INSERT_WITH_NAMES = `INSERT INTO es_append_with_names VALUES (${PLANNED_ROWS}, ?10, ?11, ?12, ?13)`;

/** Prepares what the first new name takes. */
export async function prepareInsertWithNames(connection: SQLiteConnection): Promise<void> {
  await createViews(connection);
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
  await createViews(connection);
  await connection.run(INSERT_WITH_NAMES, [
    ...rowsParameters(events, numbers, lastEvent),
    newStreams.firstId,
    JSON.stringify(newStreams.names),
    newTypes.firstId,
    JSON.stringify(newTypes.names),
  ]);
}
