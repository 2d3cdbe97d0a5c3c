import { ALL_STREAM, type ExpectedVersion, InvalidArgumentError } from "../../protocols/index.js";
import { MAX_STREAM_ID_LENGTH } from "../limits.js";
import { isList } from "./is-list.js";
import { describeValue } from "./json-text.js";
import { didYouMean } from "./nearest-name.js";
import { thrownValue } from "./thrown-value.js";

/** @throws InvalidArgumentError */
export function checkStreamId(streamId: unknown): asserts streamId is string {
  checkName("streamId", streamId);
  if (streamId.startsWith("@") && streamId !== ALL_STREAM) {
    const reason = `ids that begin with "@" are reserved, and only "${ALL_STREAM}" is in use`;
    throw invalidArgument("streamId", `${reason}; got ${describeValue(streamId)}`);
  }
}

/** A stream id for a message that says what was attempted. It is not checked yet, and may be a value that has no text. */
export function idText(streamId: unknown): string {
  return typeof streamId === "string" ? streamId : describeValue(streamId);
}

/** What a message calls a stream whose id is not checked yet. */
export function streamText(streamId: unknown): string {
  return typeof streamId === "string" ? `stream "${streamId}"` : "a stream";
}

/** @throws InvalidArgumentError */
export function checkName(argument: string, name: unknown): asserts name is string {
  if (typeof name !== "string" || name === "") {
    throw invalidArgument(argument, `expected a non-empty string, got ${describeValue(name)}`);
  }
  if (name.length > MAX_STREAM_ID_LENGTH) {
    throw invalidArgument(argument, `${name.length} characters are more than ${MAX_STREAM_ID_LENGTH}`);
  }
  if (!name.isWellFormed()) throw invalidArgument(argument, "it has a lone surrogate, which no storage keeps");
}

/** @throws InvalidArgumentError */
export function checkExpectedVersion(expected: unknown): asserts expected is ExpectedVersion {
  if (expected === "any" || expected === "exists" || isPlace(expected)) return;
  const reason = `expected a version (0 or more), "any" or "exists", got ${describeValue(expected)}`;
  throw invalidArgument("expectedVersion", reason);
}

/**
 * Checks a version, a position or a count.
 *
 * @throws InvalidArgumentError
 */
export function checkPlace(argument: string, place: unknown): asserts place is number | undefined {
  if (place === undefined || isPlace(place)) return;
  throw invalidArgument(argument, `expected a whole number, 0 or more, got ${describeValue(place)}`);
}

/** @throws InvalidArgumentError when it is no whole number from `min` to `max` */
export function checkBetween(argument: string, value: unknown, min: number, max: number): void {
  if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) return;
  throw invalidArgument(argument, `expected a whole number from ${min} to ${max}, got ${describeValue(value)}`);
}

/** @throws InvalidArgumentError */
export function checkSignal(signal: unknown): asserts signal is AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return;
  throw invalidArgument("signal", `expected an AbortSignal, got ${describeValue(signal)}`);
}

/** @throws InvalidArgumentError */
export function checkFlag(argument: string, flag: unknown): asserts flag is boolean | undefined {
  if (flag === undefined || typeof flag === "boolean") return;
  throw invalidArgument(argument, `expected true or false, got ${describeValue(flag)}`);
}

/** @throws InvalidArgumentError */
export function checkFunction(argument: string, value: unknown): void {
  if (value === undefined || typeof value === "function") return;
  throw invalidArgument(argument, `expected a function, got ${describeValue(value)}`);
}

/** The names that options may have, each once: the compiler finds one that is missing and one that is too many. */
export type OptionNames<Options> = Readonly<Record<keyof Options, true>>;

/**
 * Checks that options are an object with known names only: a misspelt `expectedVersion` would be a conflict that nobody
 * notices.
 *
 * @param kind - what a name is in a message: an option of a call, or a field of what a caller gives
 * @param argument - what is checked
 * @throws InvalidArgumentError
 */
export function checkOptions<Options extends object>(
  options: Options,
  known: OptionNames<Options>,
  kind: "option" | "field" = "option",
  argument = "options",
): void {
  if (typeof options !== "object" || options === null || isList(options)) {
    throw invalidArgument(argument, `expected an object, got ${describeValue(options)}`);
  }
  for (const name of namesIn(options, argument)) {
    if (Object.hasOwn(known, name) || (options as Record<string, unknown>)[name] === undefined) continue;
    const names = Object.keys(known);
    throw invalidArgument(name, `there is no such ${kind}${didYouMean(name, names)}; use ${names.join(", ")}`);
  }
}

/**
 * Checks options that come after other arguments: what is wrong with these is said first.
 *
 * @param checkOthers - throws for them. It is only called when something is wrong with the options.
 * @throws InvalidArgumentError
 */
export function checkOptionsAfter<Options extends object>(
  checkOthers: () => unknown,
  options: Options,
  known: OptionNames<Options>,
): void {
  try {
    checkOptions(options, known);
  } catch (error) {
    checkOthers();
    throw error;
  }
}

function namesIn(options: object, argument: string): readonly string[] {
  try {
    return Object.keys(options);
  } catch (error) {
    // A proxy of the caller's.
    throw invalidArgument(argument, "reading it failed", thrownValue(error));
  }
}

function isPlace(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

export function invalidArgument(argument: string, reason: string, cause?: unknown): InvalidArgumentError {
  const options = cause === undefined ? undefined : { cause };
  return new InvalidArgumentError(argument, `Invalid ${argument}: ${reason}.`, options);
}
