export type { IndexField } from "./indexes/field-index.js";
export type { PostgresOptions } from "./postgres-options.js";
export {
  type PostgresConnectionSource,
  type PostgresStreamFactory,
  postgresStreamFactory,
} from "./postgres-stream-factory.js";
