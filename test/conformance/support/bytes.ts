import type { ConformanceExpect } from "../runner.js";

/** Whether a value is an array of these bytes. Comparing a million of them with a test runner's `expect` takes seconds. */
export function isBytes(value: unknown, expected: Uint8Array): boolean {
  return (
    value instanceof Uint8Array &&
    value.length === expected.length &&
    value.every((byte, index) => byte === expected[index])
  );
}

/**
 * Checks that a value came back equal: arrays of bytes by their class and their bytes, what else there is as
 * `toStrictEqual` does.
 */
export function expectEqualValue(expect: ConformanceExpect, value: unknown, expected: unknown): void {
  if (!(expected instanceof Uint8Array)) {
    expect(value).toStrictEqual(expected);
    return;
  }
  expect(Object.getPrototypeOf(value)).toBe(Uint8Array.prototype);
  expect(isBytes(value, expected)).toBe(true);
}
