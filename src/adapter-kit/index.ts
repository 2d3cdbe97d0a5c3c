/**
 * The building blocks of an adapter, besides the two protocols that it implements.
 *
 * @packageDocumentation
 */

export type { PlacedEvent, StoredPlace } from "../../protocols/index.js";
export { compileFilter, matchesFilter } from "../filter/compile-filter.js";
export { createStreamFactory, type StreamFactoryOver } from "../stream/create-stream-factory.js";
export {
  appendInTransaction,
  appendTogether,
  type GroupSession,
  type PartedSession,
  type PartOutcome,
  type RunPart,
} from "./append-together.js";
export { type AppendDecision, decideAppend, decideUnit, type StreamState } from "./decide-append.js";
export { decodeEvent } from "./decode-event.js";
export { type Closable, Lifetime } from "./lifetime.js";
export { Listeners } from "./listeners.js";
export { PendingWork } from "./pending-work.js";
export { type RecordConflict, recordConflict } from "./record-conflict.js";
export { streamDeleted } from "./stream-deleted.js";
