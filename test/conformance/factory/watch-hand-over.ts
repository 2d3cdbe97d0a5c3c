import { ALL_STREAM, type Stream, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { eventsOf, take } from "../support/collect.js";
import { nextTurn } from "../support/eventually.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo, positionsOf, versionsOf, wholeNumbers } from "../support/sample-events.js";

export function describeWatchHandOver({ describe, test, expect, eventually }: Suite<StreamFactory>): void {
  /** Watches come one by one while several handles write, some awaited and some not. */
  async function watchWhileWriting(writers: readonly Stream[], watched: Stream): Promise<readonly Observation[]> {
    const observations: Observation[] = [];
    const writing = writers.map(async (stream, index) => {
      for (const round of wholeNumbers(1, 25)) {
        const writes = wholeNumbers(1, 1 + (round % 3)).map((number) => stream.write(countedUpTo(number)));
        if (round % 4 !== index) await Promise.all(writes);
        if (index === 0) observations.push(new Observation(watched.watch({ after: 0 })));
        if (round % 5 === 0) await nextTurn();
      }
      await stream.write(counted(0));
    });
    await Promise.all(writing);
    return observations;
  }

  describe("the hand-over from replay to live", () => {
    test("loses and repeats no event of a stream while others write to it", async (streams) => {
      const writers = await Promise.all(wholeNumbers(1, 4).map(() => streams.openStream("a")));
      const watched = await streams.openStream("a");
      const observations = await watchWhileWriting(writers, watched);
      await watched.write(counted(0));
      const versions = versionsOf(await eventsOf(watched));
      await eventually("all watches reach the end", () =>
        observations.every((observation) => observation.events.at(-1)?.version === versions.length),
      );

      for (const { events } of observations) expect(versionsOf(events)).toEqual(versions);
    });

    test("loses and repeats no event of @all while others write to many streams", async (streams) => {
      const writers = await Promise.all(wholeNumbers(1, 4).map((number) => streams.openStream(`stream-${number}`)));
      const all = await streams.openStream(ALL_STREAM);
      const observations = await watchWhileWriting(writers, all);
      await writers[0]?.write(counted(0));
      const positions = positionsOf(await eventsOf(all));
      await eventually("all watches reach the end", () =>
        observations.every((observation) => observation.events.at(-1)?.position === positions.at(-1)),
      );

      for (const { events } of observations) expect(positionsOf(events)).toEqual(positions);
    });

    test("loses and repeats no event for an async iteration", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(200));
      const consumers = wholeNumbers(0, 9).map((after) => take(stream.watch({ after: after * 20 }), 500 - after * 20));
      for (const number of wholeNumbers(201, 500)) {
        const written = stream.write(counted(number));
        if (number % 3 === 0) await written;
      }

      for (const [index, events] of (await Promise.all(consumers)).entries()) {
        expect(versionsOf(events)).toEqual(wholeNumbers(index * 20 + 1, 500));
      }
    });

    test("loses and repeats no event where a watch begins behind the middle of a growing stream", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(300));
      const observations: Observation[] = [];
      for (const number of wholeNumbers(301, 400)) {
        const written = stream.write(counted(number));
        if (number % 5 === 0) observations.push(new Observation(stream.watch({ after: number - 20 })));
        await written;
      }
      await eventually("all watches reach the end", () =>
        observations.every((observation) => observation.events.at(-1)?.version === 400),
      );

      for (const [index, { events }] of observations.entries()) {
        expect(versionsOf(events)).toEqual(wholeNumbers(286 + index * 5, 400));
      }
    });
  });
}
