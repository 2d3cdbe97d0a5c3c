import { StorageError } from "../../../protocols/index.js";
import { createRemoveFunction } from "../administration/remove-function.js";
import { createAppendFunction } from "../append/append-function.js";
import { createAppendOneFunction } from "../append/append-one-function.js";
import { createKnownFunctions } from "../append/known-functions.js";
import { DatabaseError, type PostgresConnection } from "../client/client.js";
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

/** What an opening has found or made. */
export interface OpenedSchema {
  /** The fields that reads may use an index of. */
  readonly indexes: readonly FieldIndex[];
  /** Whether there are the functions that not all stores have: see `createAppendOneFunction` and `createKnownFunctions`. */
  readonly hasAddedFunctions: boolean;
}

/**
 * Creates the store's schema, or brings it up to date, in one transaction under a lock: processes that start at the same time
 * do it once. Where nothing is to be done, nothing is locked, and the role needs no right to create anything.
 *
 * @throws StorageError when the server or the store is not as it must be
 */
export async function openStore({ connection, server }: Session, context: OpenContext): Promise<OpenedSchema> {
  checkServer(server, context);
  const { settings, names, location } = context;
  const relations = await relationNames(connection, context);
  const version = await storedVersion(connection, relations, context);
  checkVersion(version, context);
  if (version < SCHEMA_VERSION && !settings.create) throw notCreated(version, location);
  // Stores of the first version had fewer functions at first.
  let hasAddedFunctions = ADDED_FUNCTIONS.every((name) => relations.has(name));
  if (version < SCHEMA_VERSION) {
    await updateSchema(connection, context);
    hasAddedFunctions = true;
  } else if (settings.create && !(hasAddedFunctions && (await hasApplicationSchema(connection, context)))) {
    hasAddedFunctions = (await completeSchema(connection, context)) || hasAddedFunctions;
  }
  const indexes = settings.create
    ? await updateIndexes(connection, relations, context)
    : findIndexes(relations, names, settings);
  return { indexes, hasAddedFunctions };
}

/** @returns whether it could: a role that may only use the store does without */
async function completeSchema(connection: PostgresConnection, context: OpenContext): Promise<boolean> {
  try {
    await updateSchema(connection, context);
    return true;
  } catch (error) {
    if (error instanceof DatabaseError && error.code === INSUFFICIENT_PRIVILEGE) return false;
    throw error;
  }
}

const ADDED_FUNCTIONS: readonly string[] = ["es_append_one", "es_is_known", "es_last_if_known"];

const INSUFFICIENT_PRIVILEGE = "42501";

async function updateSchema(connection: PostgresConnection, context: OpenContext): Promise<void> {
  // The commit releases the lock; the lock of writers has another key.
  await connection.script(`
    BEGIN ISOLATION LEVEL READ COMMITTED;
    SELECT pg_advisory_xact_lock(hashtextextended('${context.names.channel}', 0))`);
  try {
    const current = await storedVersion(connection, await relationNames(connection, context), context);
    checkVersion(current, context);
    await connection.script(`${migrationScript(current, context)} COMMIT`);
  } catch (error) {
    await connection.script("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

function migrationScript(version: number, { settings, names }: OpenContext): string {
  const steps = MIGRATIONS.slice(version).map((step) => step(names));
  return `
    ${createSchemaOnce(settings.schema, names)}
    ${createSchemaOnce(settings.applicationSchema, names)}
    ${createStoreTable(names)}
    ${steps.join("\n")}
    ${createAppendFunction(names)}
    ${createAppendOneFunction(names)}
    ${createKnownFunctions(names)}
    ${createRemoveFunction(names)}
    UPDATE ${names.prefix}es_store SET schema_version = ${SCHEMA_VERSION};`;
}

// Without a schema to create, the role needs no right to create one.
function createSchemaOnce(schema: string, { quote }: StoreNames): string {
  return `
    DO ${quote} BEGIN
      IF to_regnamespace(${quoteText(quoteName(schema))}) IS NULL THEN CREATE SCHEMA ${quoteName(schema)}; END IF;
    END ${quote};`;
}

/** It may be another than the one that the store was made with, or be dropped since. */
async function hasApplicationSchema(connection: PostgresConnection, { settings }: OpenContext): Promise<boolean> {
  const { rows } = await connection.query({
    text: "SELECT WHERE to_regnamespace($1) IS NOT NULL",
    values: [quoteName(settings.applicationSchema)],
  });
  return rows.length > 0;
}

/** The names in the store's schema that may be the library's; of its functions, those that were added and may be called. */
async function relationNames(connection: PostgresConnection, { settings }: OpenContext): Promise<ReadonlySet<string>> {
  // Not pg_indexes or another of the server's views: a new session takes several milliseconds to plan these.
  const { rows } = await connection.query<{ name: string }>({
    text: String.raw`SELECT relname::text AS name FROM pg_class
                     WHERE relname LIKE 'es\_%' AND relnamespace = to_regnamespace($1)
                     UNION ALL SELECT proname::text FROM pg_proc
                     WHERE proname IN (${ADDED_FUNCTIONS.map(quoteText).join()}) AND pronamespace = to_regnamespace($1)
                       AND has_function_privilege(oid, 'EXECUTE')`,
    values: [quoteName(settings.schema)],
  });
  return new Set(rows.map(({ name }) => name));
}

/** The version of the schema; 0 where there is none. */
async function storedVersion(
  connection: PostgresConnection,
  relations: ReadonlySet<string>,
  { names }: OpenContext,
): Promise<number> {
  if (!relations.has("es_store")) return relations.has("es_events") ? FOREIGN : 0;
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
function checkServer(server: ServerFigures, { settings, location }: OpenContext): void {
  const { version, encoding, fsync, fullPageWrites } = server;
  const major = Math.floor(version / 10_000);
  if (major < settings.minServerVersion) {
    const message = `Cannot open ${location}: PostgreSQL ${major} is older than ${settings.minServerVersion}. Update the server.`;
    throw new StorageError("STORAGE_UNSUPPORTED", message);
  }
  if (encoding !== "UTF8") {
    // Others have no sign for some characters, or count bytes where filters mean characters.
    const message =
      `Cannot open ${location}: the database has the encoding ${encoding}, which does not hold all texts. Nothing was ` +
      "changed; use a database with the encoding UTF8.";
    throw new StorageError("STORAGE_UNSUPPORTED", message);
  }
  if (settings.durability === "normal" || (fsync === "on" && fullPageWrites === "on")) return;
  const setting = fsync === "on" ? "full_page_writes" : "fsync";
  const message =
    `Cannot open ${location}: the server has ${setting}=off, so that a power cut damages the database. Turn it on, or open ` +
    'the store with durability: "normal".';
  throw new StorageError("STORAGE_UNSUPPORTED", message);
}
