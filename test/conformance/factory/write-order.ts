import { ALL_STREAM, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect, eventsOf } from "../support/collect.js";
import { outcomesOf } from "../support/failure-of.js";
import { counted, countedUpTo, keyed, numbersOf, positionsOf, wholeNumbers } from "../support/sample-events.js";

export function describeWriteOrder({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("writes that are not awaited one by one", () => {
    test("are stored in the order of the calls", async (streams) => {
      const stream = await streams.openStream("a");
      const results = await Promise.all(wholeNumbers(1, 300).map((number) => stream.write(counted(number))));

      expect(numbersOf(await eventsOf(stream))).toEqual(wholeNumbers(1, 300));
      expect(results.map((result) => result.version)).toEqual(wholeNumbers(1, 300));
    });

    test("are stored in the order of the calls across handles and streams", async (streams) => {
      const handles = await Promise.all(["a", "b", "a", "c"].map((streamId) => streams.openStream(streamId)));
      await Promise.all(wholeNumbers(1, 120).map((number) => handles[number % 4]?.write(counted(number))));

      const all = await eventsOf(await streams.openStream(ALL_STREAM));
      expect(numbersOf(all)).toEqual(wholeNumbers(1, 120));
    });

    test("may each expect what the one before it leaves", async (streams) => {
      const stream = await streams.openStream("a");
      const issued = wholeNumbers(0, 59).map((version) => stream.write(counted(version), { expectedVersion: version }));
      const { errors } = await outcomesOf(issued);

      expect(errors).toEqual([]);
      expect(numbersOf(await eventsOf(stream))).toEqual(wholeNumbers(0, 59));
    });

    test("of many sizes are each stored in one piece", async (streams) => {
      const handles = await Promise.all(wholeNumbers(1, 5).map(() => streams.openStream("a")));
      const sizes = wholeNumbers(1, 40).map((number) => (number * 7) % 30);
      const results = await Promise.all(
        sizes.map((size, index) => handles[index % 5]?.write(wholeNumbers(1, size).map(() => counted(index)))),
      );

      const stored = await eventsOf(await streams.openStream("a"));
      expect(numbersOf(stored)).toEqual(sizes.flatMap((size, index) => wholeNumbers(1, size).map(() => index)));
      for (const [index, result] of results.entries()) expect(result?.written).toBe(sizes[index]);
    });

    test("do not suffer from one that fails", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(keyed("taken", 1));
      const issued = [
        stream.write(counted(2)),
        stream.write({ type: "Bad", data: undefined }),
        stream.write(counted(90), { expectedVersion: 0 }),
        stream.write(counted(3), { expectedVersion: 2 }),
        stream.write([counted(91), keyed("taken", 2)]),
        stream.write(countedUpTo(5, 4)),
      ];
      const { values, errors } = await outcomesOf(issued);

      expect(values.map((result) => result.version)).toEqual([2, 3, 5]);
      expect(errors.map((error) => (error as { readonly code?: unknown }).code)).toEqual([
        "INVALID_EVENT",
        "CONCURRENCY_CONFLICT",
        "IDEMPOTENCY_CONFLICT",
      ]);
      expect(numbersOf(await collect(stream.read({ after: 1 })))).toEqual([2, 3, 4, 5]);
    });

    test("of many writers take positions that rise without repeats", async (streams) => {
      const handles = await Promise.all(wholeNumbers(1, 10).map((number) => streams.openStream(`stream-${number}`)));
      const issued = handles.flatMap((handle) => wholeNumbers(1, 10).map((number) => handle.write(counted(number))));
      const results = await Promise.all(issued);

      const positions = positionsOf(await eventsOf(await streams.openStream(ALL_STREAM)));
      expect([...positions].sort((a, b) => a - b)).toEqual(positions);
      expect(results.map((result) => result.position).sort((a, b) => a - b)).toEqual(positions);
      expect(new Set(positions).size).toBe(100);
    });
  });
}
