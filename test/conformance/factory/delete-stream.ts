import { ALL_STREAM, type StoredEvent, type StreamFactory } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { fillStream } from "../support/administration.js";
import { ADMINISTRATION } from "../support/capabilities.js";
import { eventsOf, take } from "../support/collect.js";
import { failureOf, outcomesOf } from "../support/failure-of.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo, keyed, versionsOf, wholeNumbers } from "../support/sample-events.js";
import { ChangedMyMind } from "../support/transactions.js";

const DELETED = { code: "STREAM_DELETED", streamId: "a" };

export function describeDeleteStream(suite: Suite<StreamFactory>): void {
  const { describe, testWith, expect } = suite;
  describe("a deletion, where the store has administration", () => {
    testWith(ADMINISTRATION, "leaves a tombstone and nothing else", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(6));
      await stream.snapshot(5);
      await stream.snapshot(5, { projection: "other" });
      await streams.pruneStream("a", { before: 3 });
      const reason = { closedBy: "ada" };

      expect(await streams.deleteStream("a", { expectedVersion: 6, reason })).toEqual({
        streamId: "a",
        version: 7,
        firstVersion: 7,
        removedEvents: 4,
        removedSnapshots: 2,
      });
      const [tombstone] = await take(stream.read({ after: 6 }), 1);
      expect(tombstone).toMatchObject({ version: 7, type: "@deleted", data: reason, metadata: null });
      expect(await eventsOf(await streams.openStream(ALL_STREAM))).toStrictEqual([tombstone as StoredEvent]);
      expect(await stream.loadSnapshot()).toBe(null);
      expect(await streams.describeStream("a")).toMatchObject({ version: 7, eventCount: 1, deleted: true });
    });

    testWith(ADMINISTRATION, "is final: no write and no snapshot is taken, whatever is expected", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write([counted(1), keyed("k1")]);
      await streams.deleteStream("a");

      for (const expectedVersion of [0, 2, 3, "any", "exists"] as const) {
        expect(await failureOf(stream.write(counted(1), { expectedVersion }))).toMatchObject(DELETED);
      }
      expect(await failureOf(stream.write(keyed("k1")))).toMatchObject(DELETED);
      expect(await failureOf(stream.write([]))).toMatchObject(DELETED);
      expect(await failureOf(stream.snapshot(1, { version: 2 }))).toMatchObject(DELETED);
      expect(await failureOf(stream.snapshot(1, { version: 2, keep: 1 }))).toMatchObject(DELETED);
      // Whatever it expects: also what would be invalid in a stream that lives.
      expect(await failureOf(stream.snapshot(1, { version: 99 }))).toMatchObject(DELETED);
      expect(versionsOf(await take(stream.read({ after: 2 }), 100))).toEqual([3]);
      // Nobody else is concerned.
      expect(await (await streams.openStream("ab")).write(counted(1))).toMatchObject({ version: 1 });
    });

    testWith(ADMINISTRATION, "is made once, and is harmless again", async (streams) => {
      await fillStream(streams, "a", 3);
      const deletions = await Promise.all(wholeNumbers(1, 5).map(() => streams.deleteStream("a")));

      expect(deletions.map(({ version }) => version)).toEqual([4, 4, 4, 4, 4]);
      expect(deletions.reduce((sum, { removedEvents }) => sum + removedEvents, 0)).toBe(3);
      const again = streams.deleteStream("a", { expectedVersion: 1, reason: { number: 2 } });
      expect(await again).toMatchObject({ version: 4, firstVersion: 4, removedEvents: 0 });
    });

    testWith(ADMINISTRATION, "of a stream that was never written is its version 1", async (streams) => {
      expect(await streams.deleteStream("a", { expectedVersion: 0 })).toMatchObject({ version: 1, removedEvents: 0 });

      const stream = await streams.openStream("a");
      expect(await eventsOf(stream)).toMatchObject([{ version: 1, type: "@deleted", data: null }]);
      expect(await failureOf(stream.write(counted(1), { expectedVersion: 0 }))).toMatchObject(DELETED);
    });

    testWith(ADMINISTRATION, "is none where another version was expected", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(2));

      for (const expectedVersion of [0, 1, 3]) {
        expect(await failureOf(streams.deleteStream("a", { expectedVersion }))).toMatchObject({
          code: "CONCURRENCY_CONFLICT",
          actualVersion: 2,
        });
      }
      expect(await stream.write(counted(3))).toMatchObject({ version: 3 });
    });

    testWith(ADMINISTRATION, "never has an event behind it, whoever wins a race", async (streams) => {
      for (const round of wholeNumbers(1, 20)) {
        const id = `race-${round}`;
        const stream = await streams.openStream(id);
        await stream.write(countedUpTo(7));
        const calls = [() => stream.write(counted(8)), () => streams.deleteStream(id, { expectedVersion: 7 })];
        if (round % 2 === 1) calls.reverse();
        const { errors } = await outcomesOf<unknown>(calls.map((call) => call()));
        const info = await streams.describeStream(id);

        expect(info?.version).toBe(8);
        expect(errors).toMatchObject([{ code: info?.deleted ? "STREAM_DELETED" : "CONCURRENCY_CONFLICT" }]);
      }
    });

    testWith(ADMINISTRATION, "gives the events to the archive, and goes on where that failed", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(5));
      const events = await eventsOf(stream);
      const error = new ChangedMyMind();
      const failing = streams.deleteStream("a", { archive: () => Promise.reject(error) });
      expect(await failureOf(failing)).toBe(error);
      expect(await streams.describeStream("a")).toMatchObject({ version: 6, firstVersion: 1, deleted: true });
      expect(await failureOf(stream.write(counted(6)))).toMatchObject(DELETED);
      const archived: StoredEvent[] = [];
      const archive = async (given: readonly StoredEvent[]): Promise<void> => void archived.push(...given);

      expect(await streams.deleteStream("a", { archive })).toMatchObject({ firstVersion: 6, removedEvents: 5 });
      expect(archived).toStrictEqual(events);
    });

    testWith(ADMINISTRATION, "moves the head of @all only forward", async (streams) => {
      await fillStream(streams, "b", 1);
      await fillStream(streams, "a", 1);
      const head = (await streams.openStream(ALL_STREAM)).version;
      await streams.deleteStream("a");
      const all = await streams.openStream(ALL_STREAM);

      expect(all.version > head).toBe(true);
      expect((await take(all.read({ after: head }), 100)).map(({ position }) => position)).toEqual([all.version]);
    });
  });
  describeWatches(suite);
}

function describeWatches({ describe, testWith, expect, eventually }: Suite<StreamFactory>): void {
  describe("watches of a deleted stream, where the store has administration", () => {
    testWith(ADMINISTRATION, "get the tombstone and wait on, or begin too early", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(3));
      const all = await streams.openStream(ALL_STREAM);
      const [live, everything] = [new Observation(stream.watch()), new Observation(all.watch({ after: 0 }))];
      await eventually("@all is caught up with", () => everything.events.length === 3);
      await streams.deleteStream("a");
      await fillStream(streams, "b", 1);
      await eventually("the event behind the tombstone is seen", () => everything.events.length === 5);
      await eventually("the tombstone is seen", () => live.events.length === 1);
      const [late, fromNow, anew] = [
        new Observation(stream.watch({ after: 0 })),
        new Observation(stream.watch({ after: 3 })),
        new Observation(all.watch({ after: 0 })),
      ];
      await eventually("the late one ends, and the others see what there is", () => {
        return late.hasEnded && fromNow.events.length === 1 && anew.events.length === 2;
      });

      expect(live.events).toMatchObject([{ version: 4, type: "@deleted" }]);
      expect(late.errors).toMatchObject([{ code: "EVENTS_REMOVED", streamId: "a", firstVersion: 4 }]);
      expect(fromNow.events).toMatchObject([{ version: 4, type: "@deleted" }]);
      expect(anew.events.map(({ streamId }) => streamId)).toEqual(["a", "b"]);
      for (const watch of [live, everything, fromNow, anew]) {
        expect(watch.hasEnded).toBe(false);
        watch.unsubscribe();
      }
    });
  });
}
