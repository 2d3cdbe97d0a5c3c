import { InvalidArgumentError, InvalidFilterError, StorageError, TransactionError } from "../../protocols/index.js";
import { thrownValue } from "./thrown-value.js";

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
export function inCall(thrown: unknown, attempt: string, location: string | undefined): unknown {
  // It may be anything that a caller's own code throws.
  const error = thrownValue(thrown);
  if (!(error instanceof InvalidArgumentError || error instanceof InvalidFilterError)) return thrown;
  const { cause, message } = error;
  const named = `Cannot ${attempt}${inStore(location)}: ${goingOn(message)}`;
  const options = cause === undefined ? undefined : { cause };
  return error instanceof InvalidFilterError
    ? new InvalidFilterError(error.clauseIndex, named, options)
    : new InvalidArgumentError(error.argument, named, options);
}

/**
 * Says of an error of the store in a function of the application, or with its transaction, what the function was for. Whatever else
 * the function throws is returned as it is.
 *
 * @param attempt - such as `apply migration "a"`
 */
export function inCallback(thrown: unknown, attempt: string): unknown {
  const error = thrownValue(thrown);
  if (!(error instanceof StorageError || error instanceof TransactionError)) return inCall(thrown, attempt, undefined);
  const { cause, message } = error;
  const named = `Cannot ${attempt}: ${goingOn(message)}`;
  const options = cause === undefined ? undefined : { cause };
  if (error instanceof TransactionError) return new TransactionError(error.code, named, options);
  const { streamId, version, position } = error;
  // A damaged event keeps its place.
  const event = streamId !== undefined &&
    version !== undefined &&
    position !== undefined && { streamId, version, position };
  return new StorageError(error.code, named, { ...options, ...(event && { event }) });
}

/**
 * Says of a refused filter where it is, which its clauses do not tell. Other errors are returned as they are.
 *
 * @param place - such as `failIfEventsMatch[1]`
 */
export function inPlace(error: unknown, place: string): unknown {
  if (!(error instanceof InvalidFilterError)) return error;
  const { cause, clauseIndex, message } = error;
  return new InvalidFilterError(
    clauseIndex,
    `${place}: ${goingOn(message)}`,
    cause === undefined ? undefined : { cause },
  );
}

/** A message as the rest of a sentence. */
function goingOn(message: string): string {
  return `${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}
