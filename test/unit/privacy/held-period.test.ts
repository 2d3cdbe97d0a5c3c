import { expect, test } from "vitest";
import { heldPeriod, usableForMs } from "../../../src/privacy/held-period.js";

test.each([1, 20, 49, 50, 100, 400, 1_000, 60_000])(
  "what a key has opened as late as it may is read again once its %i ms are over",
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
