import { StreamError } from "./errors.js";

/** The code of a {@link MigrationError}. */
export type MigrationErrorCode = "MIGRATION_CHANGED" | "MIGRATION_MISSING";

/**
 * A migration that was applied is no longer what it was, or is not in the list any more. Nothing was run. Put it back as it
 * was, and make the change in a new migration.
 */
export class MigrationError extends StreamError {
  override readonly name = "MigrationError";
  declare readonly code: MigrationErrorCode;
  /** The id of the migration. */
  readonly id: string;

  /**
   * `migrate` makes it.
   *
   * @param code - whether its text has changed, or it is gone
   */
  constructor(code: MigrationErrorCode, id: string, message: string, options?: ErrorOptions) {
    super(code, message, options);
    this.id = id;
  }
}
