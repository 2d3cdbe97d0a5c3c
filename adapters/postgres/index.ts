export type { IndexField } from "./indexes/field-index.js";
export type { PostgresConnectionSource, PostgresOptions } from "./postgres-options.js";
export { openPostgresBackend, type PostgresStreamFactory, postgresStreamFactory } from "./postgres-stream-factory.js";
