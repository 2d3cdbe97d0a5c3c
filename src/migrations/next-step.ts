import { MigrationError, type StoredRecord } from "../../protocols/index.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { inStore } from "../validate/in-call.js";
import type { MigrationGoal, ParsedMigration } from "./parse-migrations.js";

/** A migration to run, and in which direction. */
export interface Step {
  readonly migration: ParsedMigration;
  readonly direction: "up" | "down";
}

/**
 * The steps from what was applied to the goal: back first, in reverse order, then forward.
 *
 * @param notes - the notes of what was applied, by id
 * @throws MigrationError when what was applied has changed, or is gone
 * @throws InvalidArgumentError when a migration that has to be undone has no `down`
 */
export function stepsTo(
  { migrations, count }: MigrationGoal,
  notes: ReadonlyMap<string, StoredRecord>,
  location: string | undefined,
): readonly Step[] {
  checkApplied(migrations, notes, location);
  const back = migrations.slice(count).filter(({ id }) => notes.has(id));
  const forward = migrations.slice(0, count).filter(({ id }) => !notes.has(id));
  for (const { id, down } of back) {
    if (down !== undefined) continue;
    const reason = `migration "${id}" was applied, and has no down, so that it cannot be undone; add its down to the list`;
    throw invalidArgument("to", reason);
  }
  return [
    ...back.reverse().map((migration): Step => ({ migration, direction: "down" })),
    ...forward.map((migration): Step => ({ migration, direction: "up" })),
  ];
}

function checkApplied(
  migrations: readonly ParsedMigration[],
  notes: ReadonlyMap<string, StoredRecord>,
  location: string | undefined,
): void {
  const byId = new Map(migrations.map((migration) => [migration.id, migration]));
  for (const [id, note] of notes) {
    const migration = byId.get(id);
    if (migration === undefined) {
      const reason = "it was applied, and is not in the list; put it back";
      throw refused("MIGRATION_MISSING", id, reason, location);
    }
    if (note.value.hash !== migration.hash) {
      const reason = "its text has changed since it was applied; put it back, and make the change in a new migration";
      throw refused("MIGRATION_CHANGED", id, reason, location);
    }
  }
}

function refused(
  code: MigrationError["code"],
  id: string,
  reason: string,
  location: string | undefined,
): MigrationError {
  const message = `Cannot migrate the tables${inStore(location)}: migration "${id}" is refused: ${reason}. Until then, no migration runs.`;
  return new MigrationError(code, id, message);
}
