import { expect, test } from "vitest";
import {
  ConcurrencyError,
  InvalidEventError,
  isStreamError,
  StorageError,
  type StorageErrorCode,
} from "../../protocols/index.js";
import { revoked } from "../support/revoked.js";

const conflict = new ConcurrencyError({ streamId: "a", expectedVersion: 3, actualVersion: 7 }, "A conflict");

/** Reads what only the error of one code has: that it compiles is half of the test. */
function describe(error: unknown): string {
  if (isStreamError(error, "CONCURRENCY_CONFLICT")) return `version ${error.actualVersion}`;
  if (isStreamError(error, "INVALID_EVENT")) return `${error.path} of event ${error.eventIndex}`;
  if (isStreamError(error, "STORAGE_FULL")) return `full: ${error.code satisfies "STORAGE_FULL"}`;
  return isStreamError(error) ? error.code : "not the library's";
}

test("an error that is asked for by its code shows the fields of its class", () => {
  expect(describe(conflict)).toBe("version 7");
  expect(describe(new InvalidEventError({ eventIndex: 2, path: "data.x" }, "Bad"))).toBe("data.x of event 2");
  expect(describe(new StorageError("STORAGE_FULL", "Full"))).toBe("full: STORAGE_FULL");
  expect(describe(new StorageError("STORAGE_IO", "Failed"))).toBe("STORAGE_IO");
});

test("other errors, and values that are none, are not the library's", () => {
  const foreign = [
    Object.assign(new Error("No such file"), { code: "ENOENT" }),
    Object.assign(new Error("A key of every object"), { code: "toString" }),
    new Error("No code"),
    { code: "CONCURRENCY_CONFLICT" },
    revoked(),
    undefined,
  ];
  expect(foreign.map(describe)).toEqual(foreign.map(() => "not the library's"));
});

test("an error of another copy of the package is recognized by its brand, and no other by its code", () => {
  const error = (brand: object) =>
    Object.assign(new Error("A conflict"), { code: "CONCURRENCY_CONFLICT", actualVersion: 9 }, brand);
  expect(describe(error({ [Symbol.for("async-streams.StreamError")]: true }))).toBe("version 9");
  expect(describe(error({}))).toBe("not the library's");
});

test("an error says whether the same call may succeed later", () => {
  const isRetryable = (code: StorageErrorCode) => new StorageError(code, "Failed").retryable;
  const passing: readonly StorageErrorCode[] = [
    "STORAGE_LOCKED",
    "STORAGE_OVERLOADED",
    "STORAGE_FULL",
    "STORAGE_TOO_MANY_FILES",
  ];
  expect(passing.map(isRetryable)).toEqual([true, true, true, true]);
  const others: readonly StorageErrorCode[] = [
    "STORAGE_IO",
    "STORAGE_MUST_REOPEN",
    "STORAGE_CORRUPT",
    "STORAGE_FAILED",
  ];
  expect(others.map(isRetryable)).toEqual([false, false, false, false]);
  // A conflict needs a new decision.
  expect([conflict.retryable, new InvalidEventError({ eventIndex: 0, path: "" }, "Bad").retryable]).toEqual([
    false,
    false,
  ]);
});
