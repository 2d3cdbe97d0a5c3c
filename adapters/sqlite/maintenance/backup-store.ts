import { randomUUID } from "node:crypto";
import { ALL_STREAM, type BackupOptions, type BackupReport, StorageError } from "../../../protocols/index.js";
import { readLastPosition } from "../append/append-statements.js";
import type { SQLiteConnection, SQLiteDriver } from "../drivers/driver.js";
import { migrate } from "../open/migrate.js";
import { assertFree, giveName, removeDatabase } from "./backup-file.js";
import type { MaintenanceSession } from "./maintenance-session.js";

/** How many events, and how many snapshots, one step copies. */
const STEP_EVENTS = 4_096;
const STEP_SNAPSHOTS = 16;

/**
 * Copies the store, step by step, into a file of another name that gets its own when it is complete.
 *
 * Events are never changed, so that what is copied up to a position is the store as it was at that position, although
 * no read transaction is held open: the log can be folded in while a large store is copied.
 */
export async function backupStore(
  session: MaintenanceSession,
  driver: SQLiteDriver,
  target: string,
  onProgress: BackupOptions["onProgress"],
): Promise<BackupReport> {
  await assertFree(target);
  const partial = `${target}.partial-${randomUUID()}`;
  try {
    await makeStore(driver, partial);
    const position = await session.step(readLastPosition);
    await session.step((connection) => attach(connection, partial));
    try {
      await copyEvents(session, position, (copiedEvents) => onProgress?.({ copiedEvents, totalEvents: position }));
      await copySnapshots(session, position);
    } finally {
      await session.tidyUp((connection) => connection.exec("DETACH backup"));
    }
    await session.step(() => giveName(partial, target));
    return { path: target, events: position, position };
  } finally {
    await removeDatabase(partial);
  }
}

async function makeStore(driver: SQLiteDriver, path: string): Promise<void> {
  const connection = await driver.open(path, "create");
  try {
    await migrate(connection, path);
  } finally {
    await connection.close();
  }
}

/** What happens to a file that is thrown away when anything fails needs neither a journal nor syncs. */
async function attach(connection: SQLiteConnection, path: string): Promise<void> {
  await connection.run("ATTACH ?1 AS backup", [path]);
  await connection.exec("PRAGMA backup.synchronous = OFF; PRAGMA backup.journal_mode = OFF");
}

const NEW_STREAMS = `
  INSERT OR IGNORE INTO backup.es_streams
  SELECT * FROM main.es_streams WHERE id IN (SELECT stream FROM main.es_events WHERE position > ?1 AND position <= ?2)`;

const NEW_TYPES = `
  INSERT OR IGNORE INTO backup.es_types
  SELECT * FROM main.es_types WHERE id IN (SELECT type FROM main.es_events WHERE position > ?1 AND position <= ?2)`;

const EVENTS = "INSERT INTO backup.es_events SELECT * FROM main.es_events WHERE position > ?1 AND position <= ?2";

async function copyEvents(
  session: MaintenanceSession,
  upTo: number,
  onCopied: (events: number) => void,
): Promise<void> {
  for (let after = 0; after < upTo; after += STEP_EVENTS) {
    const end = Math.min(after + STEP_EVENTS, upTo);
    await session.step(async (connection) => {
      await connection.run(NEW_STREAMS, [after, end]);
      await connection.run(NEW_TYPES, [after, end]);
      const { changes } = await connection.run(EVENTS, [after, end]);
      if (changes !== end - after) throw incomplete(after + 1, end, changes);
    });
    onCopied(end);
  }
}

const SNAPSHOTS = `
  INSERT INTO backup.es_snapshots
  SELECT s.* FROM main.es_snapshots AS s
  WHERE s.rowid > ?1 AND s.rowid <= ?2 AND s.version <= CASE s.stream WHEN '${ALL_STREAM}' THEN ?3 ELSE coalesce(
    (SELECT max(version) FROM backup.es_events WHERE stream = (SELECT id FROM backup.es_streams WHERE name = s.stream)), 0) END`;

async function copySnapshots(session: MaintenanceSession, position: number): Promise<void> {
  const last = await session.step(async (connection) => {
    const [row] = await connection.all<{ last: number | null }>("SELECT max(rowid) AS last FROM main.es_snapshots");
    return row?.last ?? 0;
  });
  for (let after = 0; after < last; after += STEP_SNAPSHOTS) {
    await session.step((connection) => connection.run(SNAPSHOTS, [after, after + STEP_SNAPSHOTS, position]));
  }
}

function incomplete(first: number, last: number, found: number): StorageError {
  const message =
    `Cannot back up the store: of the positions ${first} to ${last} it has ${found} events. ` +
    "It is damaged; verify() tells where. The backup was not made.";
  return new StorageError("STORAGE_CORRUPT", message);
}
