import { expect, test } from "vitest";
import { BatchSize } from "../../../src/projections/batch-size.js";

const FAR = 1_000_000;
const NEAR = 100;

/** What a batch has when the ones before it took so long an event. */
function sizeAfter(batches: number, msPerEvent: number, isShared: boolean): number {
  const size = new BatchSize(undefined);
  size.isShared = isShared;
  for (let batch = 0; batch < batches; batch += 1) {
    const events = size.limitFor(FAR);
    size.note(events, events * msPerEvent);
  }
  return size.limitFor(FAR);
}

test("far behind, batches become larger until they hold the writer for 10 ms, and for 5 while others write", () => {
  expect(sizeAfter(100, 0.01, false)).toBe(1_000);
  expect(sizeAfter(100, 0.01, true)).toBe(500);
});

test("a slow event makes batches smaller at once, down to one event", () => {
  expect(sizeAfter(1, 1, false)).toBe(10);
  expect(sizeAfter(1, 1, true)).toBe(5);
  expect(sizeAfter(2, 100, true)).toBe(1);
});

test("batches become no smaller where fewer events make a batch no quicker", () => {
  const size = new BatchSize(undefined);
  const sizes = Array.from({ length: 20 }, (_, batch) => {
    // A little more or less by chance.
    size.note(size.limitFor(FAR), 20 + (batch % 3));
    return size.limitFor(FAR);
  });
  expect(new Set(sizes)).toEqual(new Set([128]));
  // Events that become slower still make it smaller.
  size.note(128, 80);
  expect(size.limitFor(FAR)).toBe(16);
});

test("batches become larger again by a tenth at most", () => {
  const size = new BatchSize(undefined);
  size.note(256, 2_560);
  expect(size.limitFor(FAR)).toBe(1);
  const sizes = Array.from({ length: 12 }, () => {
    size.note(size.limitFor(FAR), 0.1);
    return size.limitFor(FAR);
  });
  expect(sizes).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15]);
});

test("near the end they have no more than 256 events, and always what the caller wants", () => {
  const size = new BatchSize(undefined);
  for (let batch = 0; batch < 100; batch += 1) size.note(size.limitFor(FAR), 0.1);
  expect(size.limitFor(FAR)).toBe(2_048);
  expect(size.limitFor(NEAR)).toBe(256);
  expect(new BatchSize(7).limitFor(FAR)).toBe(7);
});
