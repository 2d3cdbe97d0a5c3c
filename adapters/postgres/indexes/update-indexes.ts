import type { PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import type { PostgresSettings } from "../postgres-options.js";
import { quoteName } from "../sql-text.js";
import { definitionsOf, type FieldIndex, INDEX_PREFIX } from "./field-index.js";
import { damageOf } from "./find-damage.js";

type IndexSettings = Pick<PostgresSettings, "indexes">;

/** The store that gets its indexes. */
interface IndexContext {
  readonly names: StoreNames;
  readonly settings: IndexSettings;
  readonly location: string;
}

/**
 * Builds the indexes that are missing, and drops those of fields that are no longer named. Each is a transaction, so that
 * others write between two of them. Where nothing changes, it does nothing.
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
  const statements = [
    ...unwanted.map((name) => `DROP INDEX IF EXISTS ${names.prefix}${quoteName(name)}`),
    ...wanted
      .filter(({ name }) => !found.includes(name))
      .map(({ name, columns }) => `CREATE INDEX IF NOT EXISTS ${name} ON ${names.prefix}es_events ${columns}`),
  ];
  const { answerTimeoutMs } = connection;
  connection.answerTimeoutMs = undefined;
  try {
    for (const statement of statements) {
      // However long it takes, and no process builds what another one is building.
      await connection.script(`
        BEGIN ISOLATION LEVEL READ COMMITTED;
        SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0;
        SELECT pg_advisory_xact_lock(${names.lockKey});
        ${statement};
        COMMIT`);
    }
  } catch (error) {
    if (connection.isOpen) await connection.script("ROLLBACK").catch(() => undefined);
    throw await damageOf(error, connection, names, location);
  }
  connection.answerTimeoutMs = answerTimeoutMs;
  return indexes;
}

/** The fields that have their indexes. */
export function findIndexes(
  relations: ReadonlySet<string>,
  names: StoreNames,
  { indexes }: IndexSettings,
): readonly FieldIndex[] {
  return indexes.filter((index) => definitionsOf(index, names).every(({ name }) => relations.has(name)));
}
