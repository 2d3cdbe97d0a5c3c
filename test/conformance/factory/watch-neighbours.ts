import { ALL_STREAM, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect, take } from "../support/collect.js";
import { failureOf } from "../support/failure-of.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";

export function describeWatchNeighbours({ describe, test, expect, eventually }: Suite<StreamFactory>): void {
  describe("watches side by side", () => {
    test("each get everything, on a stream and on @all", async (streams) => {
      const [stream, all] = [await streams.openStream("a"), await streams.openStream(ALL_STREAM)];
      await stream.write(countedUpTo(5));
      const observations = wholeNumbers(1, 40).map(
        (number) => new Observation((number % 2 === 0 ? stream : all).watch({ after: 0 })),
      );
      await Promise.all(wholeNumbers(6, 60).map((number) => stream.write(counted(number))));
      await eventually("all reach the end", () => observations.every(({ events }) => events.length >= 60));

      for (const { events } of observations) expect(versionsOf(events)).toEqual(wholeNumbers(1, 60));
    });

    test("end one by one: after unsubscribe one gets nothing more, and the others everything", async (streams) => {
      const stream = await streams.openStream("a");
      const [leaving, staying] = [new Observation(stream.watch()), new Observation(stream.watch())];
      await stream.write(countedUpTo(2));
      await eventually("both have two events", () => leaving.events.length === 2 && staying.events.length === 2);
      leaving.unsubscribe();
      await stream.write(countedUpTo(4, 3));
      await eventually("the one that stays has all", () => staying.events.length === 4);

      expect(versionsOf(leaving.events)).toEqual([1, 2]);
      expect(leaving.hasEnded).toBe(false);
      expect(versionsOf(staying.events)).toEqual([1, 2, 3, 4]);
    });

    test("stop at once when they are unsubscribed while an event is delivered, in replay and live", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(10));
      const stopAt = (version: number): Observation => {
        const observation: Observation = new Observation(stream.watch({ after: 0 }), (event) => {
          if (event.version === version) observation.unsubscribe();
        });
        return observation;
      };
      const [inReplay, live] = [stopAt(3), stopAt(13)];
      const staying = new Observation(stream.watch({ after: 0 }));
      await eventually("the replay is delivered", () => live.events.length === 10);
      await stream.write(countedUpTo(20, 11));
      const haveTheirs = () => inReplay.events.length >= 3 && live.events.length >= 13;
      await eventually("each has what it wants", () => staying.events.length === 20 && haveTheirs());

      expect(versionsOf(inReplay.events)).toEqual([1, 2, 3]);
      expect(versionsOf(live.events)).toEqual(wholeNumbers(1, 13));
    });

    test("may be unsubscribed at once, and twice", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(10));
      const observations = wholeNumbers(1, 50).map(() => new Observation(stream.watch({ after: 0 })));
      for (const observation of observations) {
        observation.unsubscribe();
        observation.unsubscribe();
      }
      expect(versionsOf(await take(stream.watch({ after: 0 }), 10))).toEqual(wholeNumbers(1, 10));

      expect(observations.flatMap((observation) => observation.events)).toEqual([]);
    });

    test("are not harmed by one whose consumer throws", async (streams) => {
      const stream = await streams.openStream("a");
      const consumed = async (): Promise<void> => {
        for await (const event of stream.watch()) {
          throw new Error(`the consumer fails on purpose at ${event.version}`);
        }
      };
      const failure = failureOf(consumed());
      const observation = new Observation(stream.watch());
      const iteration = take(stream.watch(), 20);
      for (const number of wholeNumbers(1, 20)) await stream.write(counted(number));
      await eventually("the observer has all", () => observation.events.length === 20);

      expect(await failure).toMatchObject({ message: "the consumer fails on purpose at 1" });
      expect(versionsOf(observation.events)).toEqual(wholeNumbers(1, 20));
      expect(versionsOf(await iteration)).toEqual(wholeNumbers(1, 20));
    });

    test("are not harmed by one that is refused", async (streams) => {
      const stream = await streams.openStream("a");
      const observation = new Observation(stream.watch());
      await failureOf(collect(stream.watch({ after: -1 })));
      await stream.write(counted(1));
      await eventually("the event is delivered", () => observation.events.length === 1);

      expect(numbersOf(observation.events)).toEqual([1]);
    });

    test("may come and go by the hundred", async (streams) => {
      const stream = await streams.openStream("a");
      for (const round of wholeNumbers(1, 100)) {
        const observation = new Observation(stream.watch());
        const iterator = stream.watch()[Symbol.asyncIterator]();
        const next = iterator.next();
        await stream.write(counted(round));
        expect((await next).value?.version).toBe(round);
        await iterator.return?.();
        observation.unsubscribe();
      }

      expect(versionsOf(await take(stream.watch({ after: 0 }), 100))).toEqual(wholeNumbers(1, 100));
    });
  });
}
