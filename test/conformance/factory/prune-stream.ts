import type { AdministrableStreamFactory, StoredEvent, StreamFactory } from "../../../protocols/index.js";
import { ALL_STREAM } from "../../../protocols/index.js";
import { REMOVAL_STEP_EVENTS } from "../../../src/limits.js";
import type { Suite } from "../suite.js";
import { fillStream } from "../support/administration.js";
import { ADMINISTRATION } from "../support/capabilities.js";
import { eventsOf, take } from "../support/collect.js";
import { failureOf, outcomesOf } from "../support/failure-of.js";
import { Observation } from "../support/observation.js";
import { counted, countedUpTo, keyed, positionsOf, versionsOf, wholeNumbers } from "../support/sample-events.js";
import { ChangedMyMind } from "../support/transactions.js";

const NEEDED = { code: "EVENTS_NEEDED", neededBy: ["snapshot account@3"] };

/** A stream of 10 events, of which the last three are left. */
async function openPruned(streams: AdministrableStreamFactory) {
  const stream = await streams.openStream("a");
  await stream.write(countedUpTo(10));
  await streams.pruneStream("a", { before: 8 });
  return stream;
}

export function describePruneStream(suite: Suite<StreamFactory>): void {
  const { describe, testWith, expect } = suite;
  describe("a prune, where the store has administration", () => {
    testWith(ADMINISTRATION, "removes the first events, and moves no version and no position", async (streams) => {
      await fillStream(streams, "b", 3);
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(10));
      const all = await streams.openStream(ALL_STREAM);
      const before = await eventsOf(all);
      const report = { streamId: "a", version: 10, firstVersion: 8, removedEvents: 7, removedSnapshots: 0 };

      expect(await streams.pruneStream("a", { before: 8 })).toEqual(report);
      expect(await eventsOf(all)).toStrictEqual(before.filter((event) => event.streamId === "b" || event.version >= 8));
      expect(await streams.describeStream("a")).toMatchObject({ version: 10, firstVersion: 8, eventCount: 3 });
      expect(await stream.metrics()).toMatchObject({ currentVersion: 10, eventCount: 3 });
      expect(await stream.write(counted(11), { expectedVersion: 10 })).toMatchObject({ version: 11, written: 1 });
      expect(versionsOf(await take(stream.read({ after: 7 }), 4))).toEqual([8, 9, 10, 11]);
    });

    testWith(
      ADMINISTRATION,
      "of what is gone already removes nothing, and the last event always stays",
      async (streams) => {
        await openPruned(streams);

        for (const before of [1, 7, 8]) {
          expect(await streams.pruneStream("a", { before })).toMatchObject({ firstVersion: 8, removedEvents: 0 });
        }
        expect(await streams.pruneStream("a", { before: 10 })).toMatchObject({ firstVersion: 10, removedEvents: 2 });
        expect(await streams.pruneStream("a", { before: 10 })).toMatchObject({ firstVersion: 10, removedEvents: 0 });
      },
    );

    testWith(
      ADMINISTRATION,
      "removes the snapshots that lead to no state any more, of every projection",
      async (streams) => {
        const stream = await streams.openStream("a");
        await stream.write(countedUpTo(10));
        for (const version of [3, 6, 7, 9]) await stream.snapshot({ version }, { version });
        await stream.snapshot({ version: 6 }, { version: 6, projection: "other" });

        expect(await streams.pruneStream("a", { before: 8 })).toMatchObject({ removedSnapshots: 3 });
        expect(await stream.loadSnapshot({ atOrBefore: 6 })).toBe(null);
        expect(await stream.loadSnapshot({ projection: "other" })).toBe(null);
        const snapshot = await stream.loadSnapshot({ atOrBefore: 8 });
        expect(snapshot).toMatchObject({ version: 7, state: { version: 7 } });
        expect(versionsOf(await take(stream.read({ after: snapshot?.version }), 3))).toEqual([8, 9, 10]);
      },
    );

    testWith(ADMINISTRATION, "goes only as far as a snapshot reaches, unless it is forced", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(10));
      const prune = { before: 6, behindSnapshot: "account@3" };
      expect(await failureOf(streams.pruneStream("a", prune))).toMatchObject(NEEDED);
      await stream.snapshot(1, { version: 4, projection: "account@3" });
      expect(await failureOf(streams.pruneStream("a", prune))).toMatchObject(NEEDED);
      expect((await eventsOf(stream)).length).toBe(10);
      await stream.snapshot(1, { version: 5, projection: "account@3" });

      expect(await streams.pruneStream("a", prune)).toMatchObject({ firstVersion: 6, removedSnapshots: 1 });
      expect(await streams.pruneStream("a", { ...prune, before: 9, force: true })).toMatchObject({ firstVersion: 9 });
    });

    testWith(
      ADMINISTRATION,
      "leaves keys with which a late retry stores nothing, unless they are forgotten",
      async (streams) => {
        const stream = await streams.openStream("a");
        for (const number of wholeNumbers(1, 6)) await stream.write(keyed(`k${number}`));
        const [first] = await eventsOf(stream);
        await streams.pruneStream("a", { before: 4 });

        const retry = await stream.write(keyed("k1"), { expectedVersion: 0 });
        expect(retry).toEqual({ version: 1, position: first?.position as number, written: 0 });
        expect(await stream.write([keyed("k3"), keyed("k7")])).toMatchObject({ version: 7, written: 1 });
        await streams.pruneStream("a", { before: 5, forgetKeys: true });
        expect(await stream.write(keyed("k1"))).toMatchObject({ version: 8, written: 1 });
      },
    );

    testWith(ADMINISTRATION, "side by side with others, and with writes, removes each event once", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(50));
      const prunes = wholeNumbers(1, 10).map((number) => streams.pruneStream("a", { before: number * 4 }));
      const writes = wholeNumbers(51, 60).map((number) => stream.write(counted(number)));
      const reports = await Promise.all(prunes);
      await Promise.all(writes);

      expect(reports.reduce((sum, { removedEvents }) => sum + removedEvents, 0)).toBe(39);
      expect(versionsOf(await take(stream.read({ after: 39 }), 21))).toEqual(wholeNumbers(40, 60));
    });

    testWith(ADMINISTRATION, "gives each event to the archive before it removes it", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(10));
      const archived: StoredEvent[] = [];
      const archive = async (events: readonly StoredEvent[]): Promise<void> => {
        const info = await streams.describeStream("a");
        expect((info?.firstVersion ?? 0) <= (events[0]?.version ?? 0)).toBe(true);
        archived.push(...events);
      };
      const before = await eventsOf(stream);
      await streams.pruneStream("a", { before: 8, archive });

      expect(archived).toStrictEqual(before.slice(0, 7));
    });

    testWith(
      ADMINISTRATION,
      "ends with what the archive throws, and goes on from there with the next call",
      async (streams) => {
        const last = REMOVAL_STEP_EVENTS + 500;
        await fillStream(streams, "a", last);
        const archived: number[] = [];
        const error = new ChangedMyMind();
        let isFull = true;
        const archive = async (events: readonly StoredEvent[]): Promise<void> => {
          if (isFull && archived.length > 0) throw error;
          archived.push(...versionsOf(events));
        };
        expect(await failureOf(streams.pruneStream("a", { before: last, archive }))).toBe(error);
        const stopped = await streams.describeStream("a");
        expect(archived).toEqual(wholeNumbers(1, (stopped?.firstVersion ?? 0) - 1));
        isFull = false;

        expect(await streams.pruneStream("a", { before: last, archive })).toMatchObject({ firstVersion: last });
        expect(archived).toEqual(wholeNumbers(1, last - 1));
      },
    );

    testWith(ADMINISTRATION, "does nothing once its signal is aborted", async (streams) => {
      await fillStream(streams, "a", 10);
      const reason = new Error("changed my mind");
      const signal = AbortSignal.abort(reason);

      expect(await failureOf(streams.pruneStream("a", { before: 5, signal }))).toBe(reason);
      expect(await streams.describeStream("a")).toMatchObject({ firstVersion: 1 });
    });

    testWith(ADMINISTRATION, "is finished before the store is disposed of, or refused", async (streams) => {
      await fillStream(streams, "a", 10);
      const pruning = outcomesOf([streams.pruneStream("a", { before: 5 })]);
      await streams[Symbol.asyncDispose]();
      const { errors } = await pruning;

      for (const error of errors) expect(error).toMatchObject({ code: "STREAM_CLOSED" });
      expect(await failureOf(streams.pruneStream("a", { before: 5 }))).toMatchObject({ code: "STREAM_CLOSED" });
    });
  });
  describePrunedStream(suite);
}

function describePrunedStream({ describe, testWith, expect, eventually }: Suite<StreamFactory>): void {
  const removed = { code: "EVENTS_REMOVED", streamId: "a", firstVersion: 8 };

  describe("a pruned stream, where the store has administration", () => {
    testWith(ADMINISTRATION, "is read from what is left on, and never as a shorter list", async (streams) => {
      const stream = await openPruned(streams);
      const filter = [{ field: "type", op: "=", value: "Counted" }] as const;
      for (const options of [{}, { after: 6 }, { limit: 1 }, { upTo: 3 }, { filter }]) {
        expect(await failureOf(take(stream.read(options), 100))).toMatchObject(removed);
      }

      for (const options of [{ after: 7 }, { after: 7, filter }]) {
        expect(versionsOf(await take(stream.read(options), 3))).toEqual([8, 9, 10]);
      }
    });

    testWith(ADMINISTRATION, "is read backward up to what is gone", async (streams) => {
      const stream = await openPruned(streams);
      const seen: number[] = [];
      const backward = async (): Promise<void> => {
        for await (const { version } of stream.read({ direction: "backward" })) seen.push(version);
      };

      expect(await failureOf(backward())).toMatchObject(removed);
      expect(seen).toEqual([10, 9, 8]);
      for (const options of [{ limit: 3 }, { after: 7 }]) {
        expect(versionsOf(await take(stream.read({ direction: "backward", ...options }), 100))).toEqual([10, 9, 8]);
      }
    });

    testWith(ADMINISTRATION, "leaves gaps in @all, and no error", async (streams) => {
      await fillStream(streams, "b", 1);
      await openPruned(streams);
      const all = await streams.openStream(ALL_STREAM);
      const events = await eventsOf(all);

      expect(events.map(({ streamId, version }) => `${streamId} ${version}`)).toEqual(["b 1", "a 8", "a 9", "a 10"]);
      const [, first] = positionsOf(events);
      expect(positionsOf(await take(all.read({ after: first }), 100))).toEqual(positionsOf(events).slice(2));
      const backward = await take(all.read({ direction: "backward" }), 100);
      expect(backward).toStrictEqual([...events].reverse());
    });

    testWith(ADMINISTRATION, "ends a watch that begins before what is left, and no other", async (streams) => {
      const stream = await streams.openStream("a");
      await stream.write(countedUpTo(10));
      const all = new Observation((await streams.openStream(ALL_STREAM)).watch({ after: 0 }));
      const live = new Observation(stream.watch());
      await eventually("@all is caught up with", () => all.events.length === 10);
      await streams.pruneStream("a", { before: 8 });
      const [late, inTime] = [new Observation(stream.watch({ after: 3 })), new Observation(stream.watch({ after: 7 }))];
      await eventually("the late one ends", () => late.hasEnded);
      await stream.write(counted(11));
      await eventually("all have the new event", () =>
        [all, live, inTime].every(({ events }) => events.at(-1)?.version === 11),
      );

      expect(late.errors).toMatchObject([removed]);
      expect(versionsOf(inTime.events)).toEqual([8, 9, 10, 11]);
      expect(versionsOf(live.events)).toEqual([11]);
      expect(versionsOf(all.events)).toEqual(wholeNumbers(1, 11));
      for (const observation of [all, live, inTime]) observation.unsubscribe();
    });
  });
}
