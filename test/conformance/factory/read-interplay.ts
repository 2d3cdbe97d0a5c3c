import type { StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect, take } from "../support/collect.js";
import { nextTurn } from "../support/eventually.js";
import { counted, countedUpTo, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";

export function describeReadInterplay({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("a read beside other calls", () => {
    test("begins when it is iterated, and each iteration reads anew", async (streams) => {
      const stream = await streams.openStream("a");
      const read = stream.read();
      await stream.write(countedUpTo(2));
      expect(versionsOf(await collect(read))).toEqual([1, 2]);

      await stream.write(counted(3));
      expect(versionsOf(await collect(read))).toEqual([1, 2, 3]);
    });

    test("ends at the end as it was when the read began, so a loop that writes comes to an end", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(700));
      let count = 0;
      for await (const event of stream.read()) {
        await stream.write(counted(1_000 + event.version));
        count += 1;
      }

      expect(count).toBe(700);
      expect((await stream.metrics()).eventCount).toBe(1_400);
    });

    test("that runs backward is not disturbed by writes", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(300));
      const numbers: number[] = [];
      for await (const event of stream.read({ direction: "backward" })) {
        if (numbers.length % 50 === 0) await stream.write(counted(1_000));
        numbers.push(event.version);
      }

      expect(numbers).toEqual(wholeNumbers(1, 300).reverse());
    });

    test("goes on to a place that lies ahead only as far as there are events", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const versions: number[] = [];
      for await (const event of stream.read({ upTo: 100 })) {
        await stream.write(counted(9));
        versions.push(event.version);
      }

      expect(versions).toEqual([1, 2, 3]);
    });

    test("may be left early, and others go on", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(1_000));
      for (const count of [1, 2, 128, 129, 500]) {
        expect((await take(stream.read(), count)).length).toBe(count);
        expect((await take(stream.read({ direction: "backward" }), count)).length).toBe(count);
      }

      expect((await collect(stream.read())).length).toBe(1_000);
    });

    test("may be left by an error in the loop, which comes out as it is", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(10));
      const failure = new Error("the loop fails on purpose");
      let caught: unknown;
      try {
        for await (const event of stream.read()) if (event.version === 3) throw failure;
      } catch (error) {
        caught = error;
      }

      expect(caught).toBe(failure);
      expect((await collect(stream.read())).length).toBe(10);
    });

    test("that is paused holds up nobody, however many there are", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(400));
      const paused = wholeNumbers(1, 60).map(() => stream.read()[Symbol.asyncIterator]());
      for (const iterator of paused) expect((await iterator.next()).value?.version).toBe(1);

      const other = await streams.openStream("b");
      await other.write(counted(1));
      await stream.write(counted(401));
      await stream.snapshot({ state: 1 });
      expect((await stream.metrics()).eventCount).toBe(401);
      expect((await collect(stream.read())).length).toBe(401);

      for (const iterator of paused) {
        expect((await iterator.next()).value?.version).toBe(2);
        await iterator.return?.();
        expect((await iterator.next()).done).toBe(true);
      }
    });

    test("may run side by side with many others, each in order", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(500));
      const reads = await Promise.all(wholeNumbers(0, 29).map((after) => collect(stream.read({ after: after * 10 }))));

      for (const [index, events] of reads.entries())
        expect(numbersOf(events)).toEqual(wholeNumbers(index * 10 + 1, 500));
    });

    test("sees whole writes only", async (streams) => {
      const stream = await streams.openStream("a");
      const reader = await streams.openStream("a");
      const writes = Promise.all(
        wholeNumbers(1, 20).map((number) => stream.write(wholeNumbers(1, 30).map(() => counted(number)))),
      );
      const counts: number[] = [];
      for (let count = 0; count < 600; ) {
        count = (await collect(reader.read())).length;
        counts.push(count);
        await nextTurn();
      }
      await writes;

      expect(counts.filter((count) => count % 30 !== 0)).toEqual([]);
    });
  });
}
