import type { JsonObject, ListRecordsOptions, Records, StoredRecord } from "../../protocols/index.js";
import { MAX_LISTED_RECORDS, MAX_RECORD_BYTES, MAX_RECORD_KEY_LENGTH } from "../limits.js";
import { checkOptions, checkPlace, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { describeValue, isPlainObject, JsonLossError, shownPath, toJsonText } from "../validate/json-text.js";
import { orThrowLater } from "../validate/or-throw-later.js";
import type { TransactionCalls } from "./transaction-calls.js";

const LIST_OPTIONS: OptionNames<ListRecordsOptions> = { after: true, prefix: true, limit: true };

/** The records of a transaction: checks the arguments, and leaves the rest to storage. */
export class TransactionRecords implements Records {
  readonly #records: Records;
  readonly #calls: Pick<TransactionCalls, "run">;

  constructor(records: Records, calls: Pick<TransactionCalls, "run">) {
    this.#records = records;
    this.#calls = calls;
  }

  get(space: string, key: string): Promise<StoredRecord | null> {
    return this.#calls.run("read a record", () => {
      checkPlaceOf(space, key);
      return this.#records.get(space, key);
    });
  }

  put(space: string, key: string, value: JsonObject, expected: number | "any" = "any"): Promise<number> {
    // The value is taken as it is now.
    const taken = orThrowLater(() => checkRecordValue(value));
    return this.#calls.run("store a record", () => {
      checkPlaceOf(space, key);
      checkRevision(expected);
      return this.#records.put(space, key, taken(), expected);
    });
  }

  delete(space: string, key: string, expected: number | "any" = "any"): Promise<void> {
    return this.#calls.run("delete a record", () => {
      checkPlaceOf(space, key);
      checkRevision(expected);
      return this.#records.delete(space, key, expected);
    });
  }

  list(space: string, options: ListRecordsOptions = {}): Promise<readonly StoredRecord[]> {
    return this.#calls.run("list records", () => {
      checkSpace(space);
      checkOptions(options, LIST_OPTIONS);
      const { after, prefix, limit = MAX_LISTED_RECORDS } = options;
      if (after !== undefined) checkText("after", after, 0);
      if (prefix !== undefined) checkText("prefix", prefix, 0);
      checkPlace("limit", limit);
      if (limit < 1 || limit > MAX_LISTED_RECORDS) {
        throw invalidArgument("limit", `expected 1 to ${MAX_LISTED_RECORDS}, got ${limit}`);
      }
      return this.#records.list(space, {
        ...(after === undefined ? {} : { after }),
        ...(prefix === undefined ? {} : { prefix }),
        limit,
      });
    });
  }
}

/**
 * Copies the value of a record.
 *
 * @throws InvalidArgumentError when it is no JSON object, or too large
 */
export function checkRecordValue(value: unknown): JsonObject {
  if (typeof value !== "object" || value === null || !isPlainObject(value)) {
    throw invalidArgument("value", `expected a plain object, got ${describeValue(value)}`);
  }
  const text = recordText(value);
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_RECORD_BYTES) {
    throw invalidArgument("value", `it takes ${bytes} bytes as JSON, and the maximum is ${MAX_RECORD_BYTES}`);
  }
  return JSON.parse(text) as JsonObject;
}

function recordText(value: object): string {
  try {
    return toJsonText(value, "value");
  } catch (error) {
    if (error instanceof JsonLossError) throw invalidArgument("value", `${shownPath(error.path)}: ${error.message}`);
    throw invalidArgument("value", "reading it failed", error);
  }
}

function checkPlaceOf(space: unknown, key: unknown): void {
  checkSpace(space);
  checkText("key", key, 1);
}

function checkSpace(space: unknown): void {
  checkText("space", space, 1);
  if ((space as string).startsWith("@")) {
    throw invalidArgument("space", `spaces that begin with "@" are reserved, got ${describeValue(space)}`);
  }
}

function checkText(argument: string, text: unknown, minLength: 0 | 1): void {
  if (typeof text !== "string" || text.length < minLength) {
    throw invalidArgument(
      argument,
      `expected a ${minLength === 1 ? "non-empty " : ""}string, got ${describeValue(text)}`,
    );
  }
  if (text.length > MAX_RECORD_KEY_LENGTH) {
    throw invalidArgument(argument, `${text.length} characters are more than ${MAX_RECORD_KEY_LENGTH}`);
  }
  if (!text.isWellFormed()) throw invalidArgument(argument, "it has a lone surrogate, which no storage keeps");
}

function checkRevision(expected: unknown): void {
  if (expected === "any") return;
  if (typeof expected === "number" && Number.isSafeInteger(expected) && expected >= 0) return;
  throw invalidArgument("expected", `expected a revision (0 or more) or "any", got ${describeValue(expected)}`);
}
