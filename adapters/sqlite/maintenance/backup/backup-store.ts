import { type BackupOptions, type BackupReport, type CopiedTable, StorageError } from "../../../../protocols/index.js";
import { isLibraryName } from "../../../../src/adapter-kit/library-objects.js";
import type { SQLiteConnection, SQLiteDriver } from "../../drivers/driver.js";
import { partialPath } from "../../open/partial-copy.js";
import { isConstraint, sqliteCode } from "../../sqlite-errors.js";
import { applicationTablesOf } from "../application-tables.js";
import type { MaintenanceSession } from "../maintenance-session.js";
import { type ApplicationSchema, readFieldIndexes, type SchemaObject } from "./application-schema.js";
import { applyRemovals, readFigures, type StoreFigures } from "./apply-removals.js";
import { checkTarget, giveName, removeDatabase } from "./backup-file.js";
import { copyingLibraryTable, copyingObject } from "./copied-object.js";
import { copyRows, quoted } from "./copy-rows.js";
import { copiedSchema, forgetTables } from "./left-out.js";
import { rewriteCopy } from "./rewrite-copy.js";
import { readFormat, StoreCopy } from "./store-copy.js";

/** How many events one step copies. */
const STEP_EVENTS = 4_096;

/** The table that is copied in steps. All others are copied as they are at one moment. */
const EVENTS = "es_events";

/**
 * Copies the store into a file of another name that gets its own when it is complete.
 *
 * Everything but the events can change, and is copied in one read transaction, which says up to which position the copy
 * goes. Events never change, so that those up to the position are copied step by step, with no read transaction held
 * open: the log can be checkpointed while a large store is copied. What is removed meanwhile is removed from the copy at the
 * end.
 */
export async function backupStore(
  session: MaintenanceSession,
  driver: SQLiteDriver,
  target: string,
  { tables = "all", onProgress }: BackupOptions,
): Promise<BackupReport> {
  await checkTarget(target);
  const partial = partialPath(target);
  const clean = partialPath(target);
  try {
    const { hasRemovals, ...report } = await copyInto(session, driver, partial, tables, (copiedEvents, totalEvents) =>
      onProgress?.({ copiedEvents, totalEvents }),
    );
    if (hasRemovals) await session.step(() => rewriteCopy(driver, partial, clean));
    await session.step(() => giveName(hasRemovals ? clean : partial, target));
    return { path: target, ...report };
  } finally {
    await removeDatabase(partial);
    await removeDatabase(clean);
  }
}

/** What was copied, and whether something was removed from the copy afterwards. */
interface CopiedStore extends Omit<BackupReport, "path"> {
  readonly hasRemovals: boolean;
}

async function copyInto(
  session: MaintenanceSession,
  driver: SQLiteDriver,
  path: string,
  tables: NonNullable<BackupOptions["tables"]>,
  onCopied: (events: number, of: number) => void,
): Promise<CopiedStore> {
  const copy = await StoreCopy.create(driver, path, await session.step(readFormat));
  try {
    await session.step((connection) => attach(connection, path));
    try {
      const moment = await session.step((connection) => copyMoment(session, connection, copy, tables));
      await copy.createIndexes([...moment.schema.indexes, ...moment.fieldIndexes]);
      const { figures } = moment;
      await copyEvents(session, figures.counter, (events) => onCopied(events, figures.events));
      const copied = await session.step((connection) => applyRemovals(connection, figures));
      await copy.complete(moment.schema);
      return { ...copied, tables: moment.tables };
    } finally {
      await session.tidyUp((connection) => connection.exec("DETACH backup"));
    }
  } finally {
    await copy.close();
  }
}

/** What happens to a file that is thrown away when anything fails needs neither a journal nor syncs. */
async function attach(connection: SQLiteConnection, path: string): Promise<void> {
  await connection.run("ATTACH ?1 AS backup", [path]);
  await connection.exec("PRAGMA backup.synchronous = OFF; PRAGMA backup.journal_mode = OFF");
}

/** The part of a copy that was read at one moment. */
interface Moment {
  readonly figures: StoreFigures;
  readonly schema: ApplicationSchema;
  readonly fieldIndexes: readonly SchemaObject[];
  readonly tables: readonly CopiedTable[];
}

// The rows are as they were accepted once, whatever keys refer to what is not copied yet, and checks would say today.
const ACCEPT_ALL = "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON";
const CHECK_AGAIN = "PRAGMA foreign_keys = ON; PRAGMA ignore_check_constraints = OFF";

/** Copies everything but the events, in one read transaction. */
async function copyMoment(
  session: MaintenanceSession,
  connection: SQLiteConnection,
  copy: StoreCopy,
  tables: NonNullable<BackupOptions["tables"]>,
): Promise<Moment> {
  await connection.exec(ACCEPT_ALL);
  connection.setDefensive?.(false);
  try {
    await connection.run("BEGIN");
    try {
      const figures = await readFigures(connection);
      const schema = await copiedSchema(connection, tables, session.location);
      const fieldIndexes = await readFieldIndexes(connection);
      await copy.createTables(schema);
      for (const name of await copy.libraryTables()) if (name !== EVENTS) await copyTable(session, connection, name);
      const rows = new Map<string, number>();
      for (const { name } of schema.tables) rows.set(name, await copyTable(session, connection, name));
      await forgetTables(connection, tables);
      await connection.exec(COUNTERS);
      const copied = await listTables(connection, schema, rows);
      await connection.run("COMMIT");
      return { figures, schema, fieldIndexes, tables: copied };
    } catch (error) {
      // The error that led here is the one to report.
      await connection.run("ROLLBACK").catch(() => undefined);
      throw error;
    }
  } finally {
    connection.setDefensive?.(true);
    await connection.exec(CHECK_AGAIN);
  }
}

function copyTable(session: MaintenanceSession, connection: SQLiteConnection, name: string): Promise<number> {
  const copying = isLibraryName(name) ? copyingLibraryTable : copyingObject;
  return copying(`table ${quoted(name)}`, () => copyRows(session, connection, name));
}

/** The counters of the copy's AUTOINCREMENT tables. That of the events goes up with them. */
const COUNTERS = `
  DELETE FROM backup.sqlite_sequence WHERE name <> '${EVENTS}';
  INSERT INTO backup.sqlite_sequence (name, seq) SELECT name, seq FROM main.sqlite_sequence
    WHERE name <> '${EVENTS}' AND name IN (SELECT name FROM backup.sqlite_schema)`;

/** The application's tables. One in which a virtual table keeps its content is no table of its own. */
async function listTables(
  connection: SQLiteConnection,
  { virtualTables }: ApplicationSchema,
  copied: ReadonlyMap<string, number>,
): Promise<readonly CopiedTable[]> {
  const listed: CopiedTable[] = [];
  const virtual = new Set(virtualTables.map(({ name }) => name));
  for (const { name } of await applicationTablesOf(connection)) {
    const rows = copied.get(name) ?? (virtual.has(name) ? await countVirtual(connection, name) : undefined);
    if (rows !== undefined) listed.push({ name, rows });
  }
  return listed;
}

/** The rows of a virtual table; undefined where its module is not there, and what it keeps was copied all the same. */
async function countVirtual(connection: SQLiteConnection, name: string): Promise<number | undefined> {
  try {
    const [row] = await connection.all<{ rows: number }>(`SELECT count(*) AS rows FROM main.${quoted(name)}`);
    return row?.rows;
  } catch {
    return undefined;
  }
}

const COPY_EVENTS = `
  INSERT INTO backup.${EVENTS} SELECT * FROM main.${EVENTS} WHERE position > ?1 AND position <= ?2`;

async function copyEvents(
  session: MaintenanceSession,
  upTo: number,
  onCopied: (events: number) => void,
): Promise<void> {
  let copied = 0;
  for (let after = 0; after < upTo; ) {
    const { changes, end } = await session.step((connection) => copyStep(connection, after, upTo));
    after = end;
    copied += changes;
    onCopied(copied);
  }
}

// Not a range of positions: a damaged counter may be so high that nobody reaches it.
const STEP_END = `
  SELECT max(position) AS last FROM (
    SELECT position FROM ${EVENTS} WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ${STEP_EVENTS})`;

/**
 * @returns how many events were copied, and up to where
 * @throws StorageError when an event is not as the library stores it: the copy's table has the same constraints
 */
async function copyStep(
  connection: SQLiteConnection,
  after: number,
  upTo: number,
): Promise<{ readonly changes: number; readonly end: number }> {
  try {
    const [row] = await connection.all<{ last: number | null }>(STEP_END, [after, upTo]);
    const last = row?.last ?? upTo;
    // In a damaged table what comes next may be what came before: then only this far is copied.
    const end = last > after ? last : after + 1;
    const { changes } = await connection.run(COPY_EVENTS, [after, end]);
    return { changes, end };
  } catch (error) {
    // An index of a filter field looks into the JSON.
    if (!isConstraint(error) && sqliteCode(error) !== "SQLITE_ERROR") throw error;
    const message =
      `Cannot back up the store: an event after position ${after} has a value that no event can have. ` +
      "It is damaged; verify() tells where. The backup was not made.";
    throw new StorageError("STORAGE_CORRUPT", message, { cause: error });
  }
}
