/**
 * Event types: their versions, their schemas, and a store that knows them.
 *
 * @packageDocumentation
 */
export type { ConventionalMetadata } from "../../protocols/conventional-metadata.js";
export type { EventShape } from "../../protocols/event.js";
export type * from "../../protocols/standard-schema.js";
export type { EventOf, EventTypes } from "./event-catalogue.js";
export { type ErasableKeys, type EventVersions, event } from "./event-versions.js";
export { type TypedOptions, typed } from "./typed.js";
