import { setTimeout as delay } from "node:timers/promises";
import { MAX_TABLE_LOCK_WAIT_MS, TABLE_LOCK_PAUSE_MS } from "../../../src/limits.js";
import { DatabaseError, type PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import type { PostgresSettings } from "../postgres-options.js";
import { quoteName } from "../sql-text.js";
import { definitionsOf, type FieldIndex, INDEX_PREFIX } from "./field-index.js";
import { damageOf } from "./find-damage.js";

/**
 * How long the building of an index waits for those that use the events. After a second, its `deadlock_timeout`, the server
 * ends an autovacuum that is in the way.
 */
const MAX_BUILD_LOCK_WAIT_MS = 2_000;

/** The condition of a lock that was not to be had in time. */
const LOCK_NOT_AVAILABLE = "55P03";

type IndexSettings = Pick<PostgresSettings, "indexes">;

/** The store that gets its indexes. */
interface IndexContext {
  readonly names: StoreNames;
  readonly settings: IndexSettings;
  readonly location: string;
}

/**
 * Builds the indexes that are missing, and drops those of fields that are no longer named. Each is a transaction, so that
 * others write between two of them. Where nothing changes, it does nothing. What cannot be dropped while others read for long
 * is left to the next opening.
 *
 * @param relations - the names that the schema has
 * @throws StorageError `STORAGE_CORRUPT` when an event has content that no index can be made of
 */
export async function updateIndexes(
  connection: PostgresConnection,
  relations: ReadonlySet<string>,
  { names, settings: { indexes }, location }: IndexContext,
): Promise<readonly FieldIndex[]> {
  const found = [...relations].filter((name) => name.startsWith(INDEX_PREFIX));
  const wanted = indexes.flatMap((index) => definitionsOf(index, names));
  const unwanted = found.filter((name) => !wanted.some((definition) => definition.name === name));
  const missing = wanted.filter(({ name }) => !found.includes(name));
  const { answerTimeoutMs } = connection;
  connection.answerTimeoutMs = undefined;
  try {
    for (const name of unwanted) {
      await change(connection, names, `DROP INDEX IF EXISTS ${names.prefix}${quoteName(name)}`);
    }
    for (const { name, columns } of missing) {
      // However long it takes, and no process builds what another one is building.
      const create = `CREATE INDEX IF NOT EXISTS ${name} ON ${names.prefix}es_events ${columns}`;
      while (!(await change(connection, names, create, MAX_BUILD_LOCK_WAIT_MS))) await delay(TABLE_LOCK_PAUSE_MS);
    }
  } catch (error) {
    if (connection.isOpen) await connection.script("ROLLBACK").catch(() => undefined);
    throw await damageOf(error, connection, names, location);
  }
  connection.answerTimeoutMs = answerTimeoutMs;
  return indexes;
}

/** @returns whether it could: not while others read events for long, or vacuum them */
async function change(
  connection: PostgresConnection,
  { lockKey }: StoreNames,
  statement: string,
  maxWaitMs = MAX_TABLE_LOCK_WAIT_MS,
): Promise<boolean> {
  try {
    await connection.script(`
      BEGIN ISOLATION LEVEL READ COMMITTED;
      SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0;
      SELECT pg_advisory_xact_lock(${lockKey});
      SET LOCAL lock_timeout TO ${maxWaitMs};
      ${statement};
      COMMIT`);
    return true;
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.code !== LOCK_NOT_AVAILABLE) throw error;
    await connection.script("ROLLBACK");
    return false;
  }
}

/** The fields that have their indexes. */
export function findIndexes(
  relations: ReadonlySet<string>,
  names: StoreNames,
  { indexes }: IndexSettings,
): readonly FieldIndex[] {
  return indexes.filter((index) => definitionsOf(index, names).every(({ name }) => relations.has(name)));
}
