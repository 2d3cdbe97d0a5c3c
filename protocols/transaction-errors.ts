import { StreamError } from "./errors.js";

/** An event matched a condition of a write. Nothing was written. Read what is new and decide again. */
export class ConditionError extends StreamError {
  override readonly name = "ConditionError";
  declare readonly code: "CONDITION_FAILED";
  /** The position of the first event that matched. */
  readonly position: number;
  /** The stream of that event. */
  readonly streamId: string;
  /** The type of that event. */
  readonly type: string;

  /** Adapters throw it from `appendAll`, with the first event that matched. `decideUnit` says when. */
  constructor(match: { position: number; streamId: string; type: string }, message: string, options?: ErrorOptions) {
    super("CONDITION_FAILED", message, options);
    this.position = match.position;
    this.streamId = match.streamId;
    this.type = match.type;
  }
}

/** A record did not have the expected revision. Nothing was changed. Read it again and decide again. */
export class RecordConflictError extends StreamError {
  override readonly name = "RecordConflictError";
  declare readonly code: "RECORD_CONFLICT";
  /** The space of the record. */
  readonly space: string;
  /** The key of the record. */
  readonly key: string;
  /** The revision that it has; 0 if it is not there. */
  readonly revision: number;

  /** Adapters throw it from the records of a session, with the revision that the record has. */
  constructor(conflict: { space: string; key: string; revision: number }, message: string, options?: ErrorOptions) {
    super("RECORD_CONFLICT", message, options);
    this.space = conflict.space;
    this.key = conflict.key;
    this.revision = conflict.revision;
  }
}

/** The code of a {@link TransactionError}. */
export type TransactionErrorCode = "TRANSACTION_TIMEOUT" | "TRANSACTION_MISUSE";

/** A transaction took too long, or was not used as it may be. Nothing of it was stored. */
export class TransactionError extends StreamError {
  override readonly name = "TransactionError";
  declare readonly code: TransactionErrorCode;

  /** The library makes it; adapters need not know the time. */
  constructor(code: TransactionErrorCode, message: string, options?: ErrorOptions) {
    super(code, message, options);
  }
}
