import { ALL_STREAM, type Stream, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { collect, eventsOf } from "../support/collect.js";
import { nextTurn } from "../support/eventually.js";
import { Observation } from "../support/observation.js";
import {
  counted,
  countedUpTo,
  isStrictlyRising,
  numbersOf,
  positionsOf,
  wholeNumbers,
} from "../support/sample-events.js";

export function describeAllStream({ describe, test, expect, eventually }: Suite<StreamFactory>): void {
  /** Twelve events in three streams, numbered in the order in which they are stored. */
  async function fill(streams: StreamFactory): Promise<Stream> {
    const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
    await a.write(countedUpTo(3));
    await b.write(countedUpTo(8, 4));
    await a.write(countedUpTo(11, 9));
    await (await streams.openStream("c")).write(counted(12));
    return streams.openStream(ALL_STREAM);
  }

  describe("@all", () => {
    test("has the events of every stream as they are there, in the order of their positions", async (streams) => {
      const all = await fill(streams);

      expect(all.streamId).toBe(ALL_STREAM);
      const events = await eventsOf(all);
      expect(numbersOf(events)).toEqual(wholeNumbers(1, 12));
      expect(isStrictlyRising(positionsOf(events))).toBe(true);
      for (const streamId of ["a", "b", "c"]) {
        const ofStream = await eventsOf(await streams.openStream(streamId));
        expect(events.filter((event) => event.streamId === streamId)).toStrictEqual(ofStream);
      }
    });

    test("takes positions for places, in read and in watch", async (streams) => {
      const all = await fill(streams);
      const positions = positionsOf(await eventsOf(all));
      const [after, upTo] = [positions[2] as number, positions[6] as number];

      expect(numbersOf(await collect(all.read({ after })))).toEqual(wholeNumbers(4, 12));
      expect(numbersOf(await collect(all.read({ upTo })))).toEqual(wholeNumbers(1, 7));
      expect(numbersOf(await collect(all.read({ after, upTo, direction: "backward" })))).toEqual([7, 6, 5, 4]);
      expect(numbersOf(await collect(all.read({ after, limit: 2 })))).toEqual([4, 5]);
      expect(numbersOf(await collect(all.read({ limit: 2, direction: "backward" })))).toEqual([12, 11]);
      const observation = new Observation(all.watch({ after: positions[9] as number }));
      await (await streams.openStream("d")).write(counted(13));
      await eventually("the last event is delivered", () => observation.events.length >= 3);
      expect(numbersOf(observation.events)).toEqual([11, 12, 13]);
    });

    test("tells in its metrics the last position and the number of all events", async (streams) => {
      const all = await fill(streams);
      const last = (await eventsOf(all)).at(-1);

      expect(await all.metrics()).toEqual({
        currentVersion: last?.position,
        eventCount: 12,
        lastTimestamp: last?.timestamp,
      });
    });

    test("ends a read at the end as it was when the read began", async (streams) => {
      const all = await fill(streams);
      const stream = await streams.openStream("a");
      let count = 0;
      for await (const _ of all.read()) {
        await stream.write(counted(100));
        count += 1;
      }

      expect(count).toBe(12);
    });

    test("shows a reader that comes back to its last position all that is new, while many write", async (streams) => {
      const all = await streams.openStream(ALL_STREAM);
      let underWay = true;
      const writers = wholeNumbers(1, 6).map(async (writer) => {
        const stream = await streams.openStream(`stream-${writer}`);
        for (const number of wholeNumbers(1, 20)) await stream.write(countedUpTo(1 + (number % 3)));
      });
      const written = Promise.all(writers).finally(() => {
        underWay = false;
      });
      const followed: number[] = [];
      while (underWay) {
        followed.push(...positionsOf(await collect(all.read({ after: followed.at(-1) ?? 0 }))));
        await nextTurn();
      }
      await written;
      followed.push(...positionsOf(await collect(all.read({ after: followed.at(-1) ?? 0 }))));

      expect(followed).toEqual(positionsOf(await eventsOf(all)));
    });
  });
}
