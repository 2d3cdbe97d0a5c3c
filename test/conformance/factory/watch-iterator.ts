import type { StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect, take } from "../support/collect.js";
import { nextTurn } from "../support/eventually.js";
import { failureOf } from "../support/failure-of.js";
import { counted, countedUpTo, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";

export function describeWatchIterator({ describe, test, expect }: Suite<StreamFactory>): void {
  describe("a watch that is iterated", () => {
    test("yields what was written before and what is written meanwhile", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const versions: number[] = [];
      for await (const event of stream.watch({ after: 0 })) {
        versions.push(event.version);
        if (event.version === 10) break;
        if (event.version >= 3) await stream.write(counted(event.version + 1));
      }

      expect(versions).toEqual(wholeNumbers(1, 10));
    });

    test("waits for an event that is not there yet", async (streams) => {
      const stream = await streams.openStream("a");
      const iterator = stream.watch()[Symbol.asyncIterator]();
      const first = iterator.next();
      await nextTurn();
      await stream.write(counted(1));

      expect((await first).value?.version).toBe(1);
      await iterator.return?.();
    });

    test("is left by break, and by an error in the loop, which comes out as it is", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(5));
      expect(versionsOf(await take(stream.watch({ after: 0 }), 2))).toEqual([1, 2]);

      const failure = new Error("the loop fails on purpose");
      const looping = (async () => {
        for await (const event of stream.watch({ after: 0 })) if (event.version === 3) throw failure;
      })();
      expect(await failureOf(looping)).toBe(failure);
      expect(await stream.write(counted(6))).toMatchObject({ version: 6 });
    });

    test("ends at once when it is returned while it waits", async (streams) => {
      const stream = await streams.openStream("a");
      const iterator = stream.watch()[Symbol.asyncIterator]();
      const waiting = iterator.next();
      await nextTurn();
      const returned = await iterator.return?.();

      expect(returned?.done).toBe(true);
      expect((await waiting).done).toBe(true);
      await stream.write(counted(1));
      expect((await iterator.next()).done).toBe(true);
    });

    test("may be returned before it began", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(counted(1));
      const iterator = stream.watch({ after: 0 })[Symbol.asyncIterator]();
      await iterator.return?.();

      expect((await iterator.next()).done).toBe(true);
    });

    test("answers calls of next in their order, also when they do not wait for each other", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(5));
      const iterator = stream.watch({ after: 0 })[Symbol.asyncIterator]();
      const answers = wholeNumbers(1, 12).map(() => iterator.next());
      await stream.write(countedUpTo(12, 6));

      const events = (await Promise.all(answers)).flatMap((answer) => (answer.done === true ? [] : [answer.value]));
      expect(numbersOf(events)).toEqual(wholeNumbers(1, 12));
      await iterator.return?.();
    });

    test("is on its own: each iteration starts anew", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(4));
      const watch = stream.watch({ after: 1 });
      const [first, second] = await Promise.all([take(watch, 3), take(watch, 2)]);

      expect(versionsOf(first)).toEqual([2, 3, 4]);
      expect(versionsOf(second)).toEqual([2, 3]);
    });

    test("throws the reason of a signal that is aborted before, while it waits, or between two events", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const reason = new Error("enough");
      expect(await failureOf(collect(stream.watch({ after: 0, signal: AbortSignal.abort(reason) })))).toBe(reason);

      const waiting = new AbortController();
      const waited = collect(stream.watch({ signal: waiting.signal }));
      await nextTurn();
      waiting.abort(reason);
      expect(await failureOf(waited)).toBe(reason);

      const between = new AbortController();
      const versions: number[] = [];
      const looping = (async () => {
        for await (const event of stream.watch({ after: 0, signal: between.signal })) {
          versions.push(event.version);
          if (event.version === 2) between.abort(reason);
        }
      })();
      expect(await failureOf(looping)).toBe(reason);
      expect(versions).toEqual([1, 2]);
    });

    test("is done for good once it has thrown the reason of its signal", async (streams) => {
      const stream = await streams.openStream("a");
      const controller = new AbortController();
      const iterator = stream.watch({ signal: controller.signal })[Symbol.asyncIterator]();
      const waiting = iterator.next();
      controller.abort();

      expect(await failureOf(waiting)).toMatchObject({ name: "AbortError" });
      expect((await iterator.next()).done).toBe(true);
    });
  });
}
