import { ALL_STREAM, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { take } from "../support/collect.js";
import { failureOf } from "../support/failure-of.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo, numbersOf, versionsOf, wholeNumbers } from "../support/sample-events.js";

export function describeWatchStart({ describe, test, expect, eventually }: Suite<StreamFactory>): void {
  describe("the place from which a watch starts", () => {
    test("is the handle's version by default, so that only new events come", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const observation = new Observation(stream.watch());
      await stream.write(countedUpTo(5, 4));
      await eventually("the new events are delivered", () => observation.events.length >= 2);

      expect(versionsOf(observation.events)).toEqual([4, 5]);
    });

    test("is by default what the handle knows, where others have written more", async (streams) => {
      const [stream, other] = [await streams.openStream("a"), await streams.openStream("a")];
      await stream.write(countedUpTo(2));
      await other.write(countedUpTo(4, 3));
      const observation = new Observation(stream.watch());
      await other.write(counted(5));
      await eventually("the last event is delivered", () => observation.events.at(-1)?.version === 5);

      expect(versionsOf(observation.events)).toEqual([3, 4, 5]);
    });

    test("is fixed by the call, so that what is written before the subscription comes too", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(counted(1));
      const watch = stream.watch();
      await stream.write(countedUpTo(3, 2));
      const observation = new Observation(watch);
      await eventually("the events are delivered", () => observation.events.length >= 2);

      expect(versionsOf(observation.events)).toEqual([2, 3]);
      expect(versionsOf(await take(watch, 2))).toEqual([2, 3]);
    });

    test("is the end of the store on @all by default, so that only new events come", async (streams) => {
      const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
      await a.write(countedUpTo(3));
      const all = await streams.openStream(ALL_STREAM);
      const observation = new Observation(all.watch());
      await b.write(counted(4));
      await a.write(counted(5));
      await eventually("the new events are delivered", () => observation.events.length >= 2);

      expect(numbersOf(observation.events)).toEqual([4, 5]);
    });

    for (const after of [0, 1, 7, 399, 400]) {
      test(`may be given: after ${after} of 400`, async (streams) => {
        const stream = await streams.openStream("a");
        await stream.write(countedUpTo(400));
        const observation = new Observation(stream.watch({ after }));
        await stream.write(counted(401));
        await eventually("the last event is delivered", () => observation.events.at(-1)?.version === 401);

        expect(versionsOf(observation.events)).toEqual(wholeNumbers(after + 1, 401));
      });
    }

    for (const streamId of ["a", ALL_STREAM]) {
      test(`is refused ahead of ${streamId}, because the store must have gone back`, async (streams) => {
        await (await streams.openStream("a")).write(countedUpTo(3));
        const stream = await streams.openStream(streamId);
        const ahead = stream.version + 1;
        const observation = new Observation(stream.watch({ after: ahead }));
        await eventually("the observable fails", () => observation.hasEnded);
        expect(observation.errors[0]).toMatchObject({ code: "STORAGE_WENT_BACK", name: "StorageError" });
        const next = stream.watch({ after: ahead })[Symbol.asyncIterator]().next();
        expect(await failureOf(next)).toMatchObject({ code: "STORAGE_WENT_BACK", name: "StorageError" });
        expect(observation.events).toEqual([]);
      });
    }

    test("is the same for each subscription, whenever it comes", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const watch = stream.watch({ after: 1 });
      const first = new Observation(watch);
      await eventually("the first has the replay", () => first.events.length === 2);
      first.unsubscribe();
      await stream.write(counted(4));
      const [second, third] = [new Observation(watch), new Observation(watch)];
      await eventually("the others have everything", () => second.events.length >= 3 && third.events.length >= 3);

      expect(versionsOf(first.events)).toEqual([2, 3]);
      expect(versionsOf(second.events)).toEqual([2, 3, 4]);
      expect(versionsOf(third.events)).toEqual([2, 3, 4]);
    });

    test("takes the options as they are at the call", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const options = { after: 1 };
      const watch = stream.watch(options);
      options.after = 3;

      expect(versionsOf(await take(watch, 2))).toEqual([2, 3]);
    });
  });
}
