import { createHash } from "node:crypto";
import { MAX_MIGRATION_LENGTH, MAX_MIGRATIONS, MAX_RECORD_KEY_LENGTH } from "../limits.js";
import { checkOptions, checkSignal, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import { didYouMean } from "../validate/nearest-name.js";
import type { MigrateOptions, Migration, MigrationStep } from "./migration.js";

const OPTIONS: OptionNames<MigrateOptions> = { to: true, signal: true };
const FIELDS: OptionNames<Migration> = { id: true, up: true, down: true };

/** A migration, and what its `up` is known by. */
export interface ParsedMigration extends Migration {
  /** Null for a function. */
  readonly hash: string | null;
}

/** Migrations, and how many of them should be applied. */
export interface MigrationGoal {
  readonly migrations: readonly ParsedMigration[];
  /** The first so many. */
  readonly count: number;
}

/** @throws InvalidArgumentError */
export function parseMigrations(list: readonly Migration[], options: MigrateOptions): MigrationGoal {
  if (!Array.isArray(list)) throw invalidArgument("migrations", `expected a list, got ${describeValue(list)}`);
  if (list.length > MAX_MIGRATIONS) {
    throw invalidArgument("migrations", `${list.length} migrations are more than ${MAX_MIGRATIONS}`);
  }
  const ids = new Set<string>();
  const migrations = Array.from(list, (migration) => {
    const parsed = parseMigration(migration);
    if (ids.has(parsed.id)) throw invalidArgument("migrations", `${describeValue(parsed.id)} is there twice`);
    ids.add(parsed.id);
    return parsed;
  });
  return { migrations, count: countUpTo(options, [...ids]) };
}

/** @throws InvalidArgumentError */
function countUpTo(options: MigrateOptions, ids: readonly string[]): number {
  checkOptions(options, OPTIONS);
  const { to, signal } = options;
  checkSignal(signal);
  if (to === undefined) return ids.length;
  if (to === null) return 0;
  const index = ids.indexOf(to);
  if (index >= 0) return index + 1;
  const suggestion = typeof to === "string" ? didYouMean(to, ids) : "";
  throw invalidArgument("to", `there is no migration ${describeValue(to)}${suggestion}`);
}

function parseMigration(migration: Migration): ParsedMigration {
  if (typeof migration !== "object" || migration === null) {
    throw invalidArgument("migrations", `expected { id, up, down? }, got ${describeValue(migration)}`);
  }
  checkOptions(migration, FIELDS, "field");
  const { id, up, down } = migration;
  if (typeof id !== "string" || id === "" || id.length > MAX_RECORD_KEY_LENGTH || !id.isWellFormed()) {
    const reason = `an id is a non-empty string of at most ${MAX_RECORD_KEY_LENGTH} characters, got ${describeValue(id)}`;
    throw invalidArgument("migrations", reason);
  }
  checkStep(id, "up", up);
  if (down !== undefined) checkStep(id, "down", down);
  return { id, up, down, hash: hashOf(up) };
}

/** A checkout may have changed the line ends of a text. */
function hashOf(step: MigrationStep): string | null {
  return typeof step === "string" ? createHash("sha256").update(step.replaceAll("\r\n", "\n")).digest("hex") : null;
}

function checkStep(id: string, direction: "up" | "down", step: unknown): void {
  const named = `${direction} of ${describeValue(id)}`;
  if (typeof step === "function") return;
  if (typeof step !== "string") {
    throw invalidArgument("migrations", `${named} is SQL text or a function, got ${describeValue(step)}`);
  }
  if (step.length > MAX_MIGRATION_LENGTH) {
    throw invalidArgument("migrations", `${named} has ${step.length} characters, more than ${MAX_MIGRATION_LENGTH}`);
  }
  if (!step.isWellFormed()) throw invalidArgument("migrations", `${named} has a lone surrogate`);
}
