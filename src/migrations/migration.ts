import type { SQL } from "../../protocols/index.js";

/** A step of the application's tables, and how it is undone. */
export interface Migration {
  /** Its name forever, at most `MAX_RECORD_KEY_LENGTH` UTF-16 units. */
  readonly id: string;
  /**
   * Makes the change: SQL text of any number of statements, or a function. A text must not change once it was applied, apart
   * from its line ends. A function is known by its id alone.
   */
  readonly up: MigrationStep;
  /** Undoes `up`. It may be added and changed later. Default: the migration cannot be undone. */
  readonly down?: MigrationStep | undefined;
}

/** SQL text, or a function that changes the tables. What it resolves to is of no use to anybody. */
export type MigrationStep = string | ((context: MigrationContext) => Promise<unknown>);

/** What the function of a migration gets. */
export interface MigrationContext {
  /** The tables, inside the migration's transaction. It is of no use once the function has returned. */
  readonly sql: SQL;
}

/** The options of `migrate`. */
export interface MigrateOptions {
  /**
   * The id of the last migration that should be applied. Those after it are undone. `null` undoes all of them. Default: the
   * last of the list.
   */
  readonly to?: string | null | undefined;
  /** Ends it: the migration that runs is undone, and `migrate` rejects with the reason. */
  readonly signal?: AbortSignal | undefined;
}

/** What a call of `migrate` did itself. */
export interface MigrationReport {
  /** The ids of the migrations that it applied, in order. */
  readonly applied: readonly string[];
  /** The ids of those that it undid, in order. */
  readonly reverted: readonly string[];
}
