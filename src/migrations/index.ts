/**
 * Migrations of the application's tables.
 *
 * @packageDocumentation
 */
export { MAX_MIGRATION_LENGTH, MAX_MIGRATIONS } from "../limits.js";
export { migrate } from "./migrate.js";
export type { MigrateOptions, Migration, MigrationContext, MigrationReport, MigrationStep } from "./migration.js";
export { migrationsFrom } from "./migrations-from.js";
