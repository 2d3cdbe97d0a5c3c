import { expect, test } from "vitest";
import { heldPeriod, usableForMs } from "../../../src/privacy/held-period.js";

test.each([1, 20, 49, 50, 100, 400, 1_000, 60_000])(
  "what a key opens at the last moment is read again once the %i ms of the key are over",
  (keyTtlMs) => {
    for (const sinceMs of [0, 7, 12_345]) {
      const opened = heldPeriod(keyTtlMs, sinceMs + usableForMs(keyTtlMs));
      expect(heldPeriod(keyTtlMs, sinceMs + keyTtlMs)).toBeGreaterThan(opened);
    }
  },
);

test("without a time for keys, no time passes for what they have opened", () => {
  expect(heldPeriod(0, 60_000)).toBe(heldPeriod(0, 0));
});
