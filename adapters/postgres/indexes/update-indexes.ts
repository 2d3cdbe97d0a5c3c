import type { PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import type { PostgresSettings } from "../postgres-options.js";
import { quoteName } from "../sql-text.js";
import { definitionsOf, type FieldIndex, INDEX_PREFIX } from "./field-index.js";

type IndexSettings = Pick<PostgresSettings, "schema" | "indexes">;

/**
 * Builds the indexes that are missing, and drops those of fields that are no longer named. Each is a transaction, so that
 * others write between two of them. Where nothing changes, it only looks.
 */
export async function updateIndexes(
  connection: PostgresConnection,
  names: StoreNames,
  { schema, indexes }: IndexSettings,
): Promise<readonly FieldIndex[]> {
  const found = await indexNames(connection, schema);
  const wanted = indexes.flatMap((index) => definitionsOf(index, names));
  const unwanted = [...found].filter((name) => !wanted.some((definition) => definition.name === name));
  const statements = [
    ...unwanted.map((name) => `DROP INDEX IF EXISTS ${names.prefix}${quoteName(name)}`),
    ...wanted
      .filter(({ name }) => !found.has(name))
      .map(({ name, columns }) => `CREATE INDEX IF NOT EXISTS ${name} ON ${names.prefix}es_events ${columns}`),
  ];
  const { answerTimeoutMs } = connection;
  connection.answerTimeoutMs = undefined;
  for (const statement of statements) {
    // However long it takes, and no process builds what another one is building.
    await connection.script(`
      BEGIN ISOLATION LEVEL READ COMMITTED;
      SET LOCAL statement_timeout TO 0; SET LOCAL lock_timeout TO 0;
      SELECT pg_advisory_xact_lock(${names.lockKey});
      ${statement};
      COMMIT`);
  }
  connection.answerTimeoutMs = answerTimeoutMs;
  return indexes;
}

/** The fields that have their indexes. */
export async function findIndexes(
  connection: PostgresConnection,
  names: StoreNames,
  { schema, indexes }: IndexSettings,
): Promise<readonly FieldIndex[]> {
  const found = await indexNames(connection, schema);
  return indexes.filter((index) => definitionsOf(index, names).every(({ name }) => found.has(name)));
}

async function indexNames(connection: PostgresConnection, schema: string): Promise<ReadonlySet<string>> {
  const { rows } = await connection.query<{ name: string }>({
    text: `SELECT indexname::text AS name FROM pg_indexes
           WHERE schemaname = $1 AND tablename = 'es_events' AND starts_with(indexname, $2)`,
    values: [schema, INDEX_PREFIX],
  });
  return new Set(rows.map(({ name }) => name));
}
