import { type Migration, migrate, migrationsFrom } from "async-streams/migrations";
import { fillTables } from "./fill-tables.js";
import type { StoreBackend, Streams } from "./store-backend.js";

const FOLDER = new URL("../migrations/", import.meta.url);

/** The migrations of both databases, and those of one that the other cannot run. */
export async function readMigrations(dialect: StoreBackend["dialect"], folder = FOLDER): Promise<readonly Migration[]> {
  const shared = await migrationsFrom(folder);
  const own = await migrationsFrom(new URL(`${dialect}/`, folder));
  return [...shared, ...own].sort((a, b) => numberOf(a) - numberOf(b));
}

const numberOf = ({ id }: Migration): number => Number.parseInt(id, 10);

/** Applies what a store does not have yet, and fills tables that are new with what the events say. */
export async function migrateUp(streams: Streams, migrations: readonly Migration[]): Promise<void> {
  await migrate(streams, migrations);
  await fillTables(streams);
}

/** @param to - the number or the id of the last migration that stays; 0 or null: all are undone */
export async function migrateDown(
  streams: Streams,
  migrations: readonly Migration[],
  to: number | string | null,
): Promise<void> {
  const last = migrations.find((migration) => migration.id === to || numberOf(migration) === to);
  if (last === undefined && to !== 0 && to !== null) throw new RangeError(`there is no migration ${to}`);
  await migrate(streams, migrations, { to: last?.id ?? null });
}
