export * from "./errors.js";
export type * from "./event.js";
export type * from "./filter.js";
export type * from "./json.js";
export type * from "./notifier.js";
export type * from "./snapshot.js";
export type * from "./storage-handle.js";
export * from "./stream.js";
export type * from "./stream-factory.js";
