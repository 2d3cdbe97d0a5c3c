/**
 * Copies of stores, between any two adapters.
 *
 * @packageDocumentation
 */
export { restore } from "./adapters/sqlite/restore.js";
export * from "./src/copy/index.js";
