/**
 * Stores in PostgreSQL databases.
 *
 * @packageDocumentation
 */
import {
  createPostgresFactory,
  openPostgresBackend,
  type PostgresConnectionSource,
  type PostgresOptions,
  type PostgresStreamFactory,
} from "./adapters/postgres/index.js";

export type {
  IndexField,
  PostgresConnectionSource,
  PostgresOptions,
  PostgresStreamFactory,
} from "./adapters/postgres/index.js";

/**
 * Opens a store in a PostgreSQL database, and creates it if there is none. Any number of processes may use it at the same time.
 * It needs the package `pg`. `backup` copies it into a SQLite file.
 *
 * @param connection - a connection string, the options of the client, or a pool
 * @throws InvalidArgumentError when the connection or an option is invalid.
 * @throws StorageError when the store cannot be used; its `code` says why, and the database is not changed.
 *
 * @example
 * ```ts
 * await using streams = await postgresStreamFactory("postgresql://bank@localhost/bank");
 * ```
 */
export async function postgresStreamFactory(
  connection: PostgresConnectionSource,
  options?: PostgresOptions,
): Promise<PostgresStreamFactory> {
  const backend = await openPostgresBackend(connection, options);
  const streams: PostgresStreamFactory = createPostgresFactory(backend, async (path, backupOptions) => {
    // Only a backup needs SQLite.
    const { backupToFile } = await import("./adapters/sqlite/backup-to-file.js");
    return backupToFile(streams, path, backupOptions);
  });
  return streams;
}
