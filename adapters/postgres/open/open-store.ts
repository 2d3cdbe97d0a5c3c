import { StorageError } from "../../../protocols/index.js";
import { createAppendFunction } from "../append/append-function.js";
import type { PostgresConnection } from "../client/client.js";
import type { FieldIndex } from "../indexes/field-index.js";
import { findIndexes, updateIndexes } from "../indexes/update-indexes.js";
import type { PostgresSettings } from "../postgres-options.js";
import { quoteName, quoteText } from "../sql-text.js";
import { createStoreTable, MIGRATIONS, SCHEMA_VERSION, type StoreNames } from "./schema.js";
import type { ServerFigures, Session } from "./session.js";

/** What an opening needs to know. */
export interface OpenContext {
  readonly settings: PostgresSettings;
  readonly names: StoreNames;
  readonly location: string;
}

/**
 * Creates the store's schema, or brings it up to date, in one transaction under a lock: processes that start at the same time
 * do it once. Where nothing is to be done, nothing is locked, and the role needs no right to create anything.
 *
 * @returns the fields that reads may use an index of
 * @throws StorageError when the server or the store is not as it must be
 */
export async function openStore({ connection, server }: Session, context: OpenContext): Promise<readonly FieldIndex[]> {
  checkServer(server, context);
  const { settings, names, location } = context;
  const version = await storedVersion(connection, context);
  checkVersion(version, context);
  if (version === SCHEMA_VERSION) {
    return settings.create ? updateIndexes(connection, names, settings) : findIndexes(connection, names, settings);
  }
  if (!settings.create) throw notCreated(version, location);
  // The commit releases the lock; the lock of writers has another key.
  await connection.script(`
    BEGIN ISOLATION LEVEL READ COMMITTED;
    SELECT pg_advisory_xact_lock(hashtextextended('${names.channel}', 0))`);
  try {
    const current = await storedVersion(connection, context);
    checkVersion(current, context);
    if (current < SCHEMA_VERSION) await connection.script(migrationScript(current, context));
    await connection.script("COMMIT");
  } catch (error) {
    await connection.script("ROLLBACK").catch(() => undefined);
    throw error;
  }
  return updateIndexes(connection, names, settings);
}

function migrationScript(version: number, { settings, names }: OpenContext): string {
  const steps = MIGRATIONS.slice(version).map((step) => step(names));
  return `
    ${createSchemaOnce(settings.schema)}
    ${createSchemaOnce(settings.applicationSchema)}
    ${createStoreTable(names)}
    ${steps.join("\n")}
    ${createAppendFunction(names)}
    UPDATE ${names.prefix}es_store SET schema_version = ${SCHEMA_VERSION};`;
}

// Without a schema to create, the role needs no right to create one.
function createSchemaOnce(schema: string): string {
  return `
    DO $do$ BEGIN
      IF to_regnamespace(${quoteText(quoteName(schema))}) IS NULL THEN CREATE SCHEMA ${quoteName(schema)}; END IF;
    END $do$;`;
}

/** The version of the schema; 0 where there is none. */
async function storedVersion(connection: PostgresConnection, { names, settings }: OpenContext): Promise<number> {
  const found = await connection.query<{ tables: number; store: string | null }>({
    text: `
      SELECT to_regclass($1)::text AS store,
             (SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
              WHERE n.nspname = $2 AND c.relname = 'es_events') AS tables`,
    values: [`${names.prefix}es_store`, settings.schema],
  });
  const { store, tables } = found.rows[0] as { tables: number; store: string | null };
  if (store === null) return tables === 0 ? 0 : FOREIGN;
  const { rows } = await connection.query<{ version: number }>({
    text: `SELECT schema_version AS version FROM ${names.prefix}es_store`,
  });
  return rows[0]?.version ?? FOREIGN;
}

/** There is something under the names of the library that is not the library's. */
const FOREIGN = -1;

function checkVersion(version: number, { location, settings }: OpenContext): void {
  if (version === FOREIGN) {
    const message =
      `Cannot open ${location}: the schema "${settings.schema}" has a table es_events that is not a store's. Nothing was ` +
      "changed; choose another schema.";
    throw new StorageError("STORAGE_FOREIGN_DATABASE", message);
  }
  if (version <= SCHEMA_VERSION) return;
  const message =
    `Cannot open ${location}: its schema has version ${version}, and this library knows ${SCHEMA_VERSION}. Nothing was ` +
    "changed; update async-streams.";
  throw new StorageError("STORAGE_NEWER_SCHEMA", message);
}

function notCreated(version: number, location: string): StorageError {
  if (version === 0) {
    const message = `Cannot open ${location}: there is no store, and create: false makes none. Open it once with create: true.`;
    return new StorageError("STORAGE_NOT_FOUND", message);
  }
  const message =
    `Cannot open ${location}: its schema has version ${version}, which is older than ${SCHEMA_VERSION}. Open it once with ` +
    "create: true, which brings it up to date.";
  return new StorageError("STORAGE_UNSUPPORTED", message);
}

/** @throws StorageError `STORAGE_UNSUPPORTED` */
function checkServer({ version, fsync, fullPageWrites }: ServerFigures, { settings, location }: OpenContext): void {
  const major = Math.floor(version / 10_000);
  if (major < settings.minServerVersion) {
    const message = `Cannot open ${location}: PostgreSQL ${major} is older than ${settings.minServerVersion}. Update the server.`;
    throw new StorageError("STORAGE_UNSUPPORTED", message);
  }
  if (settings.durability === "normal" || (fsync === "on" && fullPageWrites === "on")) return;
  const setting = fsync === "on" ? "full_page_writes" : "fsync";
  const message =
    `Cannot open ${location}: the server has ${setting}=off, so that a power cut damages the database. Turn it on, or open ` +
    'the store with durability: "normal".';
  throw new StorageError("STORAGE_UNSUPPORTED", message);
}
