/** Why something was refused. A window gets the code and the message, and nothing else. */
export type FlowForgeErrorCode =
  /** An argument has the wrong type, or is too large. */
  | "INVALID_ARGUMENT"
  /** There is no such method. */
  | "UNKNOWN_METHOD"
  /** The statement is more than one that reads. */
  | "SQL_NOT_ALLOWED"
  /** There is no such table, or it may not be written this way. */
  | "TABLE_NOT_ALLOWED"
  /** The database refused the statement. */
  | "QUERY_FAILED"
  | "QUERY_TIMEOUT"
  /** The result has too many rows or bytes, or takes too much memory. */
  | "RESULT_TOO_LARGE"
  /** Too many calls of this window are under way. */
  | "BUSY"
  /** The other side is gone, or the database is closed. */
  | "CONNECTION_CLOSED"
  /** A package or a program of the application is not installed. */
  | "NOT_INSTALLED"
  /** Anything else. The main process has the details. */
  | "INTERNAL";

export class FlowForgeError extends Error {
  override readonly name = "FlowForgeError";
  readonly code: FlowForgeErrorCode;

  constructor(code: FlowForgeErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function databaseClosed(cause?: unknown): FlowForgeError {
  return new FlowForgeError("CONNECTION_CLOSED", "The database is closed.", { cause });
}

export function invalidArgument(message: string): FlowForgeError {
  return new FlowForgeError("INVALID_ARGUMENT", message);
}
