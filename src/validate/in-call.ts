import { InvalidArgumentError, InvalidFilterError } from "../../protocols/index.js";

/** Names the store in a message; nothing where it has no name. */
export function inStore(location: string | undefined): string {
  return location === undefined ? "" : ` in ${location}`;
}

/** Runs checks, and says of a refused argument in which call it was. */
export function inAttempt<T>(attempt: string, location: string | undefined, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw inCall(error, attempt, location);
  }
}

/**
 * Says of a refused argument in which call it was, on which stream and in which store: what checks arguments knows only
 * their values. Other errors are returned as they are.
 *
 * @param attempt - such as `read stream "a"`
 */
export function inCall(error: unknown, attempt: string, location: string | undefined): unknown {
  if (!(error instanceof InvalidArgumentError || error instanceof InvalidFilterError)) return error;
  const { cause, message } = error;
  const named = `Cannot ${attempt}${inStore(location)}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
  const options = cause === undefined ? undefined : { cause };
  return error instanceof InvalidFilterError
    ? new InvalidFilterError(error.clauseIndex, named, options)
    : new InvalidArgumentError(error.argument, named, options);
}
