/** Whether a value is an array of these bytes. Comparing a million of them with a test runner's `expect` takes seconds. */
export function isBytes(value: unknown, expected: Uint8Array): boolean {
  return (
    value instanceof Uint8Array &&
    value.length === expected.length &&
    value.every((byte, index) => byte === expected[index])
  );
}
