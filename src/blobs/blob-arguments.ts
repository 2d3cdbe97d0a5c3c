import { isUint8Array } from "node:util/types";
import type { BlobData, ListBlobsOptions, PutBlobOptions } from "../../protocols/index.js";
import { MAX_BLOB_KEY_LENGTH, MAX_CONTENT_TYPE_LENGTH } from "../limits.js";
import { checkOptions, checkSignal, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";

const PUT_OPTIONS: OptionNames<PutBlobOptions> = { contentType: true, signal: true };
const LIST_OPTIONS: OptionNames<ListBlobsOptions> = { prefix: true };

const DEFAULT_CONTENT_TYPE = "application/octet-stream";

/** What a header can carry, without white space at its ends, which servers remove. */
const CONTENT_TYPE = /^[!-~]([ -~]*[!-~])?$/;

/** @throws InvalidArgumentError */
export function checkBlobKey(key: unknown): asserts key is string {
  checkKeyText("key", key);
  if (key === "") throw invalidArgument("key", "it is empty");
  if (key.startsWith("/")) throw invalidArgument("key", `it begins with "/": ${describeValue(key)}`);
  const dots = key.split("/").find((segment) => segment === "." || segment === "..");
  if (dots !== undefined) {
    throw invalidArgument("key", `"${dots}" between slashes would mean another place: ${describeValue(key)}`);
  }
}

function checkKeyText(argument: string, text: unknown): asserts text is string {
  if (typeof text !== "string") throw invalidArgument(argument, `expected a string, got ${describeValue(text)}`);
  if (text.length > MAX_BLOB_KEY_LENGTH) {
    throw invalidArgument(argument, `${text.length} characters are more than ${MAX_BLOB_KEY_LENGTH}`);
  }
  if (!text.isWellFormed()) throw invalidArgument(argument, "it has a lone surrogate, which no storage keeps");
  if (text.includes("\0")) throw invalidArgument(argument, "it has a NUL, which not every storage keeps");
}

/** @throws InvalidArgumentError */
export function checkBlobData(data: unknown): asserts data is BlobData {
  if (isUint8Array(data)) return;
  if (typeof data === "object" && data !== null && Symbol.asyncIterator in data) return;
  const advice = typeof data === "string" ? "; encode text with new TextEncoder()" : "";
  throw invalidArgument(
    "data",
    `expected a Uint8Array or an async iterable of them, got ${describeValue(data)}${advice}`,
  );
}

/** @throws InvalidArgumentError */
export function parsePutOptions(options: PutBlobOptions): { contentType: string; signal: AbortSignal | undefined } {
  checkOptions(options, PUT_OPTIONS);
  const { contentType = DEFAULT_CONTENT_TYPE, signal } = options;
  checkSignal(signal);
  if (typeof contentType !== "string" || !CONTENT_TYPE.test(contentType)) {
    throw invalidArgument("contentType", `expected a media type of printable ASCII, got ${describeValue(contentType)}`);
  }
  if (contentType.length > MAX_CONTENT_TYPE_LENGTH) {
    throw invalidArgument("contentType", `${contentType.length} characters are more than ${MAX_CONTENT_TYPE_LENGTH}`);
  }
  return { contentType, signal };
}

/** @throws InvalidArgumentError */
export function parsePrefix(options: ListBlobsOptions): string {
  checkOptions(options, LIST_OPTIONS);
  const { prefix = "" } = options;
  checkKeyText("prefix", prefix);
  return prefix;
}
