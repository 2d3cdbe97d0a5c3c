export type { IndexField } from "./indexes/field-index.js";
export type { PostgresConnectionSource, PostgresOptions } from "./postgres-options.js";
export { createPostgresFactory, openPostgresBackend, type PostgresStreamFactory } from "./postgres-stream-factory.js";
