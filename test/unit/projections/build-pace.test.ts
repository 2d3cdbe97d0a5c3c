import { expect, test } from "vitest";
import { BuildPace } from "../../../src/projections/build-pace.js";

const A_SECOND = 1_000;
const LEASE_MS = 10_000;

/** A build that is looked at every second, in which it takes so many events and others write so many. */
function paceAfter(seconds: number, taken: number, written: number, pace = new BuildPace(LEASE_MS)): BuildPace {
  for (let second = 0; second <= seconds; second += 1) {
    pace.notePlace(second * taken, 1_000_000 + second * written, second * A_SECOND);
  }
  return pace;
}

test("a build that gains on the writers takes one batch at a time", () => {
  expect(paceAfter(10, 200, 100).limitFor(5)).toBe(5);
});

test("a build takes twice as many batches each time that it has taken less than twice of what was written, up to 64", () => {
  const limits = [1, 2, 3, 4, 5, 6, 7].map((seconds) => paceAfter(seconds, 199, 100).limitFor(5));
  expect(limits).toEqual([10, 20, 40, 80, 160, 320, 320]);
});

test("a build takes fewer again once it gains far more than it has to", () => {
  const pace = paceAfter(3, 100, 100);
  expect(pace.limitFor(5)).toBe(40);
  pace.notePlace(1_000, 1_000_400, 4 * A_SECOND);
  expect(pace.limitFor(5)).toBe(20);
});

test("a build takes no more than 2,048 events in one transaction, and half a second at most by the last batch", () => {
  const pace = paceAfter(10, 0, 100);
  expect(pace.limitFor(256)).toBe(2_048);
  pace.noteBatch(10, 20);
  expect(pace.limitFor(256)).toBe(256);
  expect(pace.limitFor(5)).toBe(250);
  expect(paceAfter(10, 0, 100, withEvents(300)).limitFor(5)).toBe(50);
});

/** One with such a lease, whose events take 2 ms. */
function withEvents(leaseMs: number): BuildPace {
  const pace = new BuildPace(leaseMs);
  pace.noteBatch(10, 20);
  return pace;
}
