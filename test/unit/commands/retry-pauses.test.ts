import { expect, test } from "vitest";
import { pauseBefore } from "../../../src/commands/retry-pauses.js";

test("a command waits for up to 0, 5, 10 and then 20 ms, and for half of it at least", () => {
  const pauses = (random: number) => [2, 3, 4, 5, 6, 100].map((attempt) => pauseBefore(attempt, random));
  expect(pauses(0)).toEqual([0, 2.5, 5, 10, 10, 10]);
  expect(pauses(1)).toEqual([0, 5, 10, 20, 20, 20]);
});
