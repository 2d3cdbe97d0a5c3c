/**
 * Commands: state as a fold of one stream, or of what a query finds, and decisions on it that no other writer gets between.
 *
 * @packageDocumentation
 */
export { MAX_ATTEMPTS, MAX_CACHED_STATES, MAX_COMMAND_ID_LENGTH } from "../limits.js";
export type { CommandMetadata, HandleOptions, HandleQueryOptions } from "./command-options.js";
export type { Fold, QueryFold, SnapshotPolicy } from "./fold.js";
export { type Decision, type Handled, handle } from "./handle.js";
export { handleQuery } from "./handle-query.js";
export { type LoadedQuery, type LoadQueryOptions, loadQuery } from "./load-query.js";
export { type Loaded, type LoadStateOptions, loadState } from "./load-state.js";
export type { HandledQuery } from "./query-command.js";
export { type StateCache, type StateCacheOptions, stateCache } from "./state-cache.js";
