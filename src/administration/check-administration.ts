import { ALL_STREAM } from "../../protocols/index.js";
import { MAX_STREAM_ID_LENGTH } from "../limits.js";
import { checkStreamId, invalidArgument } from "../validate/check-arguments.js";
import { describeValue, isPlainObject, JsonLossError, shownPath, toJsonText } from "../validate/json-text.js";

/**
 * Checks the id of one stream; `@all` is none.
 *
 * @throws InvalidArgumentError
 */
export function checkOneStream(streamId: unknown): asserts streamId is string {
  checkStreamId(streamId);
  if (streamId === ALL_STREAM) throw invalidArgument("streamId", `expected one stream, got "${ALL_STREAM}"`);
}

/**
 * Checks the beginning of stream ids, or the id after which a listing begins. It may be empty.
 *
 * @throws InvalidArgumentError
 */
export function checkIdText(argument: string, text: unknown): asserts text is string {
  if (typeof text !== "string") throw invalidArgument(argument, `expected a string, got ${describeValue(text)}`);
  if (text.length > MAX_STREAM_ID_LENGTH) {
    throw invalidArgument(argument, `${text.length} characters are more than ${MAX_STREAM_ID_LENGTH}`);
  }
  if (!text.isWellFormed()) throw invalidArgument(argument, "it has a lone surrogate, which no storage keeps");
}

/**
 * The JSON text of an object as it is now.
 *
 * @throws InvalidArgumentError when it is no plain object, cannot be stored without loss, or is too large
 */
export function jsonObjectText(argument: string, value: unknown, maxBytes: number): string {
  if (typeof value !== "object" || value === null || !isPlainObject(value)) {
    throw invalidArgument(argument, `expected a plain object, got ${describeValue(value)}`);
  }
  const text = textOf(argument, value);
  const bytes = Buffer.byteLength(text);
  if (bytes <= maxBytes) return text;
  throw invalidArgument(argument, `it takes ${bytes} bytes as JSON, and the maximum is ${maxBytes}`);
}

function textOf(argument: string, value: object): string {
  try {
    return toJsonText(value, argument);
  } catch (error) {
    if (error instanceof JsonLossError) throw invalidArgument(argument, `${shownPath(error.path)}: ${error.message}`);
    throw invalidArgument(argument, "reading it failed", error);
  }
}
