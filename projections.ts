/**
 * Projections: tables and documents as a function of the events.
 *
 * @packageDocumentation
 */
export { type SQLiteReadModels, sqliteReadModels } from "./adapters/sqlite/read-models.js";
export * from "./src/projections/index.js";
