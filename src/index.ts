export { MAX_VERIFY_PROBLEMS, type SQLiteOptions, sqliteStreamFactory } from "../adapters/sqlite/index.js";
export * from "../protocols/index.js";
export { createStreamFactory } from "./create-stream-factory.js";
export { type AppendDecision, decideAppend, type StoredKey, type StreamState } from "./decide-append.js";
export { decodeEvent, type StoredPlace } from "./decode-event.js";
export { matchesFilter } from "./filter/matches-filter.js";
export {
  MAX_EVENT_BYTES,
  MAX_JSON_DEPTH,
  MAX_KEY_LENGTH,
  MAX_SNAPSHOT_BYTES,
  MAX_STREAM_ID_LENGTH,
  MAX_TYPE_LENGTH,
  MAX_WRITE_EVENTS,
} from "./limits.js";
