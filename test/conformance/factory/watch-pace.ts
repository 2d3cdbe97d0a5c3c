import { ALL_STREAM, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { take } from "../support/collect.js";
import { nextTurn } from "../support/eventually.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";

const EVENTS = 4_000;

export function describeWatchPace({ describe, test, expect, eventually }: Suite<StreamFactory>): void {
  describe("a slow consumer of a watch", () => {
    for (const streamId of ["a", ALL_STREAM]) {
      test(`gets every event of ${streamId} once and in order, with thousands behind it`, async (streams) => {
        const stream = await streams.openStream("a");
        const watched = await streams.openStream(streamId);
        const iterator = watched.watch()[Symbol.asyncIterator]();
        const first = iterator.next();
        await stream.write(counted(1));
        const numbers = [...numbersOf([(await first).value as never])];
        // While the consumer sits on its first event, the stream grows by small writes and by large ones.
        await Promise.all(wholeNumbers(2, 500).map((number) => stream.write(counted(number))));
        await stream.write(countedUpTo(EVENTS, 501));
        while (numbers.length < EVENTS) {
          const { value } = await iterator.next();
          numbers.push(...numbersOf([value as never]));
          if (numbers.length % 500 === 0) await nextTurn();
        }
        const behindTheLast = iterator.next();
        await stream.write(counted(EVENTS + 1));
        numbers.push(...numbersOf([(await behindTheLast).value as never]));
        await iterator.return?.();

        expect(numbers).toEqual(wholeNumbers(1, EVENTS + 1));
      });
    }

    test("gets every event while it is overtaken again and again", async (streams) => {
      const stream = await streams.openStream("a");
      const versions: number[] = [];
      const consumed = (async () => {
        for await (const event of stream.watch()) {
          versions.push(event.version);
          if (event.version % 40 === 0) await nextTurn();
          if (event.version === 3_000) break;
        }
      })();
      for (const round of wholeNumbers(0, 29)) {
        const writes = wholeNumbers(1, 50).map((number) => stream.write([counted(number), counted(number)]));
        if (round % 2 === 0) await Promise.all(writes);
        await nextTurn();
      }
      await consumed;

      expect(versions).toEqual(wholeNumbers(1, 3_000));
    });

    test("holds up neither writes nor faster consumers", async (streams) => {
      const stream = await streams.openStream("a");
      const paused = wholeNumbers(1, 30).map(() => stream.watch({ after: 0 })[Symbol.asyncIterator]());
      const firsts = paused.map((iterator) => iterator.next());
      const fast = new Observation(stream.watch());
      const alsoFast = take(stream.watch(), 1_000);
      for (const batch of wholeNumbers(0, 9)) await stream.write(countedUpTo(batch * 100 + 100, batch * 100 + 1));
      await eventually("the fast one has everything", () => fast.events.length === 1_000);

      expect(versionsOf(fast.events)).toEqual(wholeNumbers(1, 1_000));
      expect(versionsOf(await alsoFast)).toEqual(wholeNumbers(1, 1_000));
      for (const first of await Promise.all(firsts)) expect(first.value?.version).toBe(1);
      for (const iterator of paused) expect((await iterator.next()).value?.version).toBe(2);
      for (const iterator of paused) await iterator.return?.();
    });
  });
}
