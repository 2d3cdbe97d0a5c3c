import { type Migration, migrate } from "async-streams/migrations";
import type { Database } from "./database.js";
import { MIGRATIONS } from "./migrations.js";

/** Brings the tables of a file up to date. */
export class MigrationRunner {
  /** The schema version of the files that this program writes. */
  static readonly currentVersion = MIGRATIONS.length;

  readonly #migrations: readonly Migration[];

  /** @param migrations - those that the program knows; an older program knows fewer */
  constructor(migrations = MIGRATIONS) {
    this.#migrations = migrations;
  }

  /** Applies what is pending, in order. @returns the names of what it applied */
  async run(db: Database): Promise<readonly string[]> {
    const { applied } = await migrate(db, this.#migrations);
    return applied;
  }
}
