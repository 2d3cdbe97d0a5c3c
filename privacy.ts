/**
 * Personal data: fields that are sealed under a key of their person, so that they can be erased from a log that keeps
 * everything.
 *
 * @packageDocumentation
 */
export { sqliteKeyStore } from "./adapters/sqlite/keys/key-store.js";
export * from "./src/privacy/index.js";
