import * as protocols from "../../protocols/index.js";
import { thrownText } from "../validate/thrown-text.js";

/** An error as a message carries it, or something else that was thrown. */
export type EncodedError =
  | {
      readonly isError: true;
      readonly name: string;
      readonly message: string;
      readonly stack: string | undefined;
      /** Whether it is an error of this library. */
      readonly isStreamError: boolean;
      /** What it has of its own, such as `code`. */
      readonly fields: Readonly<Record<string, unknown>>;
      readonly cause?: EncodedError | undefined;
    }
  | { readonly isError: false; readonly value: unknown };

/** The causes of causes are kept so far. */
const MAX_CAUSES = 8;

/** Makes an error ready for a message. It never throws: somebody waits for the answer. */
export function encodeError(error: unknown, causesLeft = MAX_CAUSES): EncodedError {
  try {
    return encoded(error, causesLeft);
  } catch {
    // A Proxy whose traps throw, or an error whose getters do.
    const message = thrownText(error);
    return { isError: true, name: "Error", message, stack: undefined, isStreamError: false, fields: {} };
  }
}

function encoded(error: unknown, causesLeft: number): EncodedError {
  if (!(error instanceof Error)) return { isError: false, value: cloneable(error) };
  const { name, message, stack, cause } = error;
  return {
    isError: true,
    name,
    message,
    stack,
    isStreamError: protocols.isStreamError(error),
    fields: fieldsOf(error),
    ...(cause !== undefined && causesLeft > 0 && { cause: encodeError(cause, causesLeft - 1) }),
  };
}

/** What an error has of its own, besides its cause. The errors of an `AggregateError` are not among what is enumerated. */
function fieldsOf(error: Error): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  const names = Object.keys(error).filter((name) => name !== "cause");
  for (const name of error instanceof AggregateError ? ["errors", ...names] : names) {
    try {
      fields[name] = cloneable(Reflect.get(error, name));
    } catch {
      // It has a getter that fails.
    }
  }
  return fields;
}

/** Functions and the like do not fit into a message. Some have no text either. */
function cloneable(value: unknown): unknown {
  try {
    return structuredClone(value);
  } catch {
    return thrownText(value);
  }
}

/** Makes the error again. Those of this library and of JavaScript get their class, and others are an `Error` of their name. */
export function decodeError(encoded: EncodedError): unknown {
  if (!encoded.isError) return encoded.value;
  const { name, message, stack, isStreamError, fields, cause } = encoded;
  const errorClass = (isStreamError ? STREAM_ERRORS : NATIVE_ERRORS).get(name) ?? Error;
  const options = cause === undefined ? [] : [{ cause: decodeError(cause) }];
  // The constructors of the classes differ. What they set is among the fields.
  const error: Error = Reflect.construct(Error, [message, ...options], errorClass);
  Object.assign(error, fields);
  if (error.name !== name) Object.defineProperty(error, "name", { value: name, configurable: true, writable: true });
  if (stack !== undefined) error.stack = stack;
  return error;
}

type ErrorClass = abstract new (...args: never[]) => Error;

const STREAM_ERRORS: ReadonlyMap<string, ErrorClass> = new Map(
  Object.entries(protocols).filter((entry): entry is [string, never] => isStreamErrorClass(entry[1])),
);

function isStreamErrorClass(value: unknown): boolean {
  return (
    typeof value === "function" && (value === protocols.StreamError || value.prototype instanceof protocols.StreamError)
  );
}

const NATIVE_CLASSES = [TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError, AggregateError];

const NATIVE_ERRORS: ReadonlyMap<string, ErrorClass> = new Map(
  NATIVE_CLASSES.map((each): [string, ErrorClass] => [each.name, each]),
);
