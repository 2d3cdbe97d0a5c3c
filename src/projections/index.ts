export type { WhenProcessedOptions } from "../consumers/consumer.js";
export { MAX_BATCH_BYTES, MAX_PROJECTION_NAME_LENGTH, MAX_PROJECTIONS } from "../limits.js";
export { type DocumentsDefinition, documents, readDocument } from "./documents.js";
export { dropProjection } from "./drop-projection.js";
export type { MemoryProjection, MemoryReadModel } from "./memory-projection.js";
export { projectToMemory } from "./project-to-memory.js";
export type {
  Projection,
  ProjectionContext,
  ProjectionFailure,
  ProjectionOptions,
  ProjectionRunner,
  ProjectionStatus,
  ReadModelStore,
  RebuildOptions,
} from "./projection.js";
export { runProjections } from "./run-projections.js";
export { whenProcessed } from "./when-processed.js";
