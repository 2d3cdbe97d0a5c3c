export {
  type IndexField,
  type IndexProgress,
  type SQLiteOptions,
  type SQLiteStreamFactory,
  sqliteStreamFactory,
} from "./adapters/sqlite/index.js";
export * from "./protocols/index.js";
export { type AppendDecision, decideAppend, decideUnit, type StreamState } from "./src/adapter-kit/decide-append.js";
export { decodeEvent } from "./src/adapter-kit/decode-event.js";
export { applyRetention } from "./src/administration/apply-retention.js";
export { compileFilter, matchesFilter } from "./src/filter/compile-filter.js";
export {
  MAX_CONDITION_CLAUSES,
  MAX_CONDITION_FILTERS,
  MAX_CONDITIONS,
  MAX_EVENT_BYTES,
  MAX_FILTER_CLAUSES,
  MAX_FILTER_LENGTH,
  MAX_FILTER_PATH_LENGTH,
  MAX_FILTER_PATTERN_LENGTH,
  MAX_FILTER_VALUES,
  MAX_JSON_DEPTH,
  MAX_KEY_LENGTH,
  MAX_LISTED_RECORDS,
  MAX_REASON_BYTES,
  MAX_RECORD_BYTES,
  MAX_RECORD_KEY_LENGTH,
  MAX_SNAPSHOT_BYTES,
  MAX_STORE_MEMORY_BYTES,
  MAX_STREAM_ID_LENGTH,
  MAX_TRANSACTION_TIMEOUT_MS,
  MAX_TYPE_LENGTH,
  MAX_UNIT_EVENTS,
  MAX_UNIT_STREAMS,
  MAX_VERIFY_PROBLEMS,
  MAX_WRITE_EVENTS,
} from "./src/limits.js";
export { createStreamFactory, type StreamFactoryOver } from "./src/stream/create-stream-factory.js";
export { name, rawSQL, sql } from "./src/transaction/sql-statement.js";
