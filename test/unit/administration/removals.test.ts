import { describe, expect, test } from "vitest";
import { applyRetention } from "../../../index.js";
import type { CandidateEvent, StoredEvent, StreamFactory, StreamInfo } from "../../../protocols/index.js";
import { failureOf, outcomesOf } from "../../conformance/support/failure-of.js";
import { wholeNumbers } from "../../conformance/support/sample-events.js";
import { seededRandom } from "../../faults/support/seeded-random.js";
import { OWN_STORES } from "./support/stores.js";

const counted = (count: number): CandidateEvent[] => wholeNumbers(1, count).map((data) => ({ type: "Counted", data }));
const keyed = (number: number): CandidateEvent => ({ type: "Paid", data: { number }, idempotencyKey: `key-${number}` });

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

/** The position of an event that is written now. Each transaction of a removal before it has skipped one. */
async function nextPosition(streams: StreamFactory): Promise<number> {
  return (await (await streams.openStream("marks")).write(counted(1))).position;
}

describe.each(OWN_STORES)("a pruned stream, over %s", (_, open) => {
  test("keeps its versions and positions, its last event, and the snapshots that lead to a state", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    await stream.write(counted(10));
    for (const version of [3, 6, 7]) await stream.snapshot({ version }, { version });
    expect(await streams.pruneStream("a", { before: 8 })).toEqual({
      streamId: "a",
      version: 10,
      firstVersion: 8,
      removedEvents: 7,
      removedSnapshots: 2,
    });
    expect((await collect(stream.read({ after: 7 }))).map(({ version }) => version)).toEqual([8, 9, 10]);
    expect(await stream.write(counted(1), { expectedVersion: 10 })).toEqual({ version: 11, position: 12, written: 1 });
    expect(await streams.describeStream("a")).toMatchObject({ version: 11, firstVersion: 8, eventCount: 4 });
    expect(await stream.metrics()).toMatchObject({ currentVersion: 11, eventCount: 4 });
    expect(await (await streams.openStream("@all")).metrics()).toMatchObject({ currentVersion: 12, eventCount: 4 });
    expect(await stream.loadSnapshot({ atOrBefore: 7 })).toMatchObject({ version: 7 });
    expect(await streams.pruneStream("a", { before: 5 })).toMatchObject({ firstVersion: 8, removedEvents: 0 });
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 4 });
  });

  test("still knows the keys of what went, unless they are to be forgotten", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    for (let number = 1; number <= 6; number += 1) await stream.write(keyed(number));
    await streams.pruneStream("a", { before: 4 });
    expect(await stream.write(keyed(2), { expectedVersion: 1 })).toEqual({ version: 2, position: 2, written: 0 });
    // The content of it is not there to be compared.
    expect(await stream.write({ ...keyed(2), data: null })).toMatchObject({ version: 2, written: 0 });
    expect(await stream.write([keyed(5), keyed(7)])).toMatchObject({ version: 7, written: 1 });
    // Once the heads are remembered again.
    expect(await stream.write(keyed(1))).toMatchObject({ version: 1, written: 0 });
    await streams.transaction(async (tx) => {
      expect(await tx.write("a", keyed(3))).toMatchObject({ version: 3, written: 0 });
    });
    await streams.pruneStream("a", { before: 5, forgetKeys: true });
    expect(await stream.write(keyed(2))).toMatchObject({ version: 8, written: 1 });
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("loses large events a few at a time, and each at least", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    const filled = (bytes: number): CandidateEvent => ({ type: "Filled", data: "x".repeat(bytes) });
    await stream.write([...wholeNumbers(1, 5).map(() => filled(400_000)), filled(2_000_000), ...counted(3)]);
    const before = await nextPosition(streams);
    await streams.pruneStream("a", { before: 9 });
    // 2 events, 2 more, 1, the large one, and the rest.
    expect((await nextPosition(streams)) - before).toBe(5 + 1);
    expect(await streams.describeStream("a")).toMatchObject({ version: 9, firstVersion: 9 });
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("lets writes go first between two transactions", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(counted(5_000));
    const other = await streams.openStream("b");
    let isPruned = false;
    const pruning = streams.pruneStream("a", { before: 5_000 }).then(() => {
      isPruned = true;
    });
    for (let version = 1; version <= 3; version += 1) await other.write(counted(1));
    expect(isPruned).toBe(false);
    await pruning;
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("goes in steps of 4,096 events, each archived before it goes", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    await stream.write(counted(10_000));
    const archived: number[] = [];
    const steps: number[] = [];
    let failsAt = 3;
    const archive = async (events: readonly StoredEvent[]) => {
      if (steps.length + 1 === failsAt) throw new Error("the archive is full");
      steps.push(events.length);
      archived.push(...events.map(({ version }) => version));
    };
    const options = { before: 10_000, archive };
    await expect(streams.pruneStream("a", options)).rejects.toThrow("the archive is full");
    expect(steps).toEqual([4_096, 4_096]);
    expect(await streams.describeStream("a")).toMatchObject({ firstVersion: 8_193, version: 10_000 });
    failsAt = 0;
    expect(await streams.pruneStream("a", options)).toMatchObject({ removedEvents: 1_807, firstVersion: 10_000 });
    expect(archived).toEqual(wholeNumbers(1, 9_999));
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });
});

describe.each(OWN_STORES)("a dry run of retention, over %s", (_, open) => {
  test("reports what a run reports that follows it, snapshots too", async () => {
    await using streams = await open();
    for (const streamId of ["over", "pruned", "short"]) {
      const stream = await streams.openStream(streamId);
      await stream.write(counted(10));
      for (const version of [3, 6, 7]) await stream.snapshot({ version }, { version });
      await stream.snapshot(2, { version: 2, projection: "other" });
    }
    const rules = [
      { prefix: "over", deleteAfterMs: 1 },
      { prefix: "pruned", maxEvents: 3 },
    ];
    const plan = () => collect(applyRetention(streams, rules, { dryRun: true }));
    // Until the first stream is older than a millisecond.
    await expect.poll(plan).toMatchObject([{ streamId: "over" }, { streamId: "pruned" }]);

    const planned = await plan();
    expect(planned).toMatchObject([
      { streamId: "over", removedEvents: 10, removedSnapshots: 4 },
      { streamId: "pruned", removedEvents: 7, removedSnapshots: 3 },
    ]);
    expect(await collect(applyRetention(streams, rules))).toEqual(planned);
  });
});

describe.each(OWN_STORES)("a deleted stream, over %s", (_, open) => {
  test("has a tombstone and nothing else, and takes no write and no snapshot", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    await stream.write([...counted(5), keyed(1)]);
    await stream.snapshot(5);
    await stream.snapshot(5, { projection: "other" });
    await streams.pruneStream("a", { before: 3 });
    expect(await streams.deleteStream("a", { expectedVersion: 6, reason: { by: "ada" } })).toEqual({
      streamId: "a",
      version: 7,
      firstVersion: 7,
      removedEvents: 4,
      removedSnapshots: 2,
    });
    const left = await collect(stream.read({ after: 6 }));
    expect(left).toMatchObject([{ version: 7, type: "@deleted", data: { by: "ada" } }]);
    const deleted = { code: "STREAM_DELETED", streamId: "a" };
    for (const expectedVersion of [0, 6, 7, "any", "exists"] as const) {
      expect(await failureOf(stream.write(counted(1), { expectedVersion }))).toMatchObject(deleted);
    }
    expect(await failureOf(stream.write(keyed(1)))).toMatchObject(deleted);
    expect(await failureOf(stream.write([]))).toMatchObject(deleted);
    expect(await failureOf(stream.snapshot(1, { version: 6 }))).toMatchObject(deleted);
    expect(await failureOf(stream.snapshot(1, { version: 6, keep: 1 }))).toMatchObject(deleted);
    expect(await failureOf(streams.writeAll([{ streamId: "a", events: counted(1) }]))).toMatchObject(deleted);
    expect(await failureOf(streams.transaction((tx) => tx.write("a", counted(1))))).toMatchObject(deleted);
    expect(await streams.deleteStream("a", { expectedVersion: 3 })).toMatchObject({ version: 7, removedEvents: 0 });
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });

  test("never has an event behind its tombstone, whoever wins", async () => {
    await using streams = await open();
    for (let round = 0; round < 50; round += 1) {
      const stream = await streams.openStream(`race-${round}`);
      await stream.write(counted(7));
      const calls: (() => Promise<unknown>)[] = [
        () => stream.write(counted(1)),
        () => streams.deleteStream(`race-${round}`, { expectedVersion: 7 }),
      ];
      if (round % 2 === 1) calls.reverse();
      const { errors } = await outcomesOf(calls.map((call) => call()));
      const { version, deleted } = (await streams.describeStream(`race-${round}`)) as StreamInfo;
      expect(version).toBe(8);
      expect(errors).toMatchObject([{ code: deleted ? "STREAM_DELETED" : "CONCURRENCY_CONFLICT" }]);
    }
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });
});

describe.each(OWN_STORES)("a store over %s", (name, open) => {
  // One takes a server some 20 ms.
  const count = name === "PostgreSQL" ? 100 : 500;

  test(`is found sound after ${count} random prunes and deletes`, async () => {
    await using streams = await open();
    const random = seededRandom(7);
    const below = (end: number) => Math.floor(random() * end);
    const ids = wholeNumbers(1, 40).map((number) => `s-${number}`);
    for (let removals = 0; removals < count; ) {
      const id = ids[below(ids.length)] as string;
      const info = await streams.describeStream(id);
      if (info?.deleted) continue;
      if (info === null || below(2) === 0) {
        await (await streams.openStream(id)).write(counted(1 + below(20)));
        continue;
      }
      const isLast = below(50) === 0;
      const before = info.firstVersion + below(info.eventCount);
      const { removedEvents } = isLast
        ? await streams.deleteStream(id)
        : await streams.pruneStream(id, { before, forgetKeys: below(2) === 0 });
      if (removedEvents > 0) removals += 1;
    }
    expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  });
});
