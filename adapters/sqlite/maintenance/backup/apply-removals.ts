import { StorageError } from "../../../../protocols/index.js";
import { DELETIONS_SPACE, STREAM_METADATA_SPACE } from "../../../../src/administration/reserved-spaces.js";
import { DELETED_TYPE } from "../../append/append-statements.js";
import type { SQLiteConnection } from "../../drivers/driver.js";
import { GONE } from "../../read/stream-figures.js";

/** The figures of a store at one moment. */
export interface StoreFigures {
  /** The last position that was given. */
  readonly counter: number;
  readonly events: number;
  /** How many steps of removals there were. */
  readonly removals: number;
}

const FIGURES = `
  SELECT seq AS counter, seq - ${GONE} AS events,
         coalesce((SELECT value FROM es_counters WHERE name = 'removal'), 0) AS removals
  FROM sqlite_sequence
  WHERE name = 'es_events' AND seq >= (SELECT coalesce(max(position), 0) FROM es_events)`;

/** @throws StorageError when the counter is not there, or is behind the last event: a copy up to it would lack events */
export async function readFigures(connection: SQLiteConnection): Promise<StoreFigures> {
  const [figures] = await connection.all<StoreFigures>(FIGURES);
  if (figures !== undefined) return figures;
  const message =
    "Cannot back up the store: its counter of positions is not there, or is behind the last event. " +
    "It is damaged; verify() tells where. The backup was not made.";
  throw new StorageError("STORAGE_CORRUPT", message);
}

// The streams of the copy of which something was removed since, and the first version that is to be left. A stream whose
// deletion is under way is one that has been deleted.
const FIND_REMOVED = `
  CREATE TEMP TABLE es_removed AS
  SELECT m.id AS stream, last.type IS ${DELETED_TYPE} AS isDeleted,
         CASE WHEN last.type IS ${DELETED_TYPE} THEN last.version ELSE m.first END AS first
  FROM main.es_streams AS m JOIN backup.es_streams AS b ON b.id = m.id
  JOIN main.es_events AS last ON last.stream = m.id
    AND last.version = (SELECT max(version) FROM main.es_events WHERE stream = m.id)
  WHERE m.first > b.first`;

// A stream whose events in the copy all go has the first one that is left in the store, at its own position: a tombstone, or
// an event that was stored after the copy began. Nothing else of what came later is in the copy.
const APPLY = `
  DELETE FROM backup.es_events WHERE position IN (
    SELECT e.position FROM es_removed AS r JOIN backup.es_events AS e ON e.stream = r.stream AND e.version < r.first);
  INSERT OR IGNORE INTO backup.es_types (id, name)
    SELECT t.id, t.name FROM es_removed AS r JOIN main.es_events AS e ON e.stream = r.stream AND e.version = r.first
    JOIN main.es_types AS t ON t.id = e.type;
  INSERT INTO backup.es_events
    SELECT e.* FROM es_removed AS r JOIN main.es_events AS e ON e.stream = r.stream AND e.version = r.first
    WHERE NOT EXISTS (SELECT 1 FROM backup.es_events WHERE stream = r.stream) ORDER BY e.position;
  UPDATE backup.es_streams AS s SET first = r.first, removed = m.removed
    FROM es_removed AS r JOIN main.es_streams AS m ON m.id = r.stream WHERE s.id = r.stream;
  DELETE FROM backup.es_keys WHERE stream IN (SELECT stream FROM es_removed);
  INSERT INTO backup.es_keys
    SELECT k.* FROM es_removed AS r JOIN main.es_keys AS k ON k.stream = r.stream WHERE NOT r.isDeleted;
  DELETE FROM backup.es_snapshots WHERE rowid IN (
    SELECT p.rowid FROM es_removed AS r JOIN backup.es_streams AS s ON s.id = r.stream
    JOIN backup.es_snapshots AS p ON p.stream = s.name WHERE r.isDeleted OR p.version < r.first - 1);
  DELETE FROM backup.es_records WHERE space IN ('${STREAM_METADATA_SPACE}', '${DELETIONS_SPACE}') AND key IN (
    SELECT s.name FROM es_removed AS r JOIN backup.es_streams AS s ON s.id = r.stream WHERE r.isDeleted);
  UPDATE backup.es_counters SET value = (SELECT value FROM main.es_counters WHERE name = 'removal') WHERE name = 'removal';
  DROP TABLE temp.es_removed`;

// ?1 is the last position that was given when the copy began.
const SET_COUNTER = `
  UPDATE backup.sqlite_sequence SET seq = max(?1, coalesce((SELECT max(position) FROM backup.es_events), 0))
  WHERE name = 'es_events'`;

// The positions between that moment and an event that was taken from later are skipped in the copy.
const SET_SKIPPED = `
  UPDATE backup.es_counters
  SET value = (SELECT seq FROM backup.sqlite_sequence WHERE name = 'es_events')
    - (SELECT count(*) FROM backup.es_events) - (SELECT coalesce(sum(first - 1), 0) FROM backup.es_streams)
  WHERE name = 'skipped'`;

const COPIED = `
  SELECT (SELECT count(*) FROM backup.es_events) AS events,
         (SELECT coalesce(max(position), 0) FROM backup.es_events) AS position,
         (SELECT count(*) FROM (
            SELECT 1 FROM backup.es_streams AS s LEFT JOIN backup.es_events AS e ON e.stream = s.id
            GROUP BY s.id HAVING count(e.version) <> max(e.version) - s.first + 1 OR max(e.version) IS NULL)) AS incomplete`;

interface Copied {
  readonly events: number;
  readonly position: number;
  /** How many streams lack events. */
  readonly incomplete: number;
}

/**
 * Ends the copying of events: removes from the copy what was removed from the store since the copy began, so that it brings
 * nothing back, and checks that it has everything else.
 *
 * @param began - the figures of the store when the copy began
 * @returns how many events the copy has, the position of the last one, and whether something was removed
 * @throws StorageError when events are missing
 */
export async function applyRemovals(
  connection: SQLiteConnection,
  began: StoreFigures,
): Promise<{ readonly events: number; readonly position: number; readonly hasRemovals: boolean }> {
  await connection.run("BEGIN");
  try {
    const { removals } = await readFigures(connection);
    const hasRemovals = removals !== began.removals;
    if (hasRemovals) await connection.exec(`${FIND_REMOVED}; ${APPLY}`);
    await connection.run(SET_COUNTER, [began.counter]);
    if (hasRemovals) await connection.run(SET_SKIPPED);
    const [copied] = (await connection.all<Copied>(COPIED)) as [Copied];
    const isWhole = hasRemovals ? copied.incomplete === 0 : copied.events === began.events;
    if (!isWhole) throw incomplete(began, copied);
    await connection.run("COMMIT");
    return { events: copied.events, position: copied.position, hasRemovals };
  } catch (error) {
    // The error that led here is the one to report.
    await connection.run("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

function incomplete({ counter, events: expected }: StoreFigures, { events: found }: Copied): StorageError {
  const message =
    `Cannot back up the store: of the ${expected} events up to position ${counter} it has ${found}. ` +
    "It is damaged; verify() tells where. The backup was not made.";
  return new StorageError("STORAGE_CORRUPT", message);
}
