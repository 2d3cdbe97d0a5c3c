import { describe, expect, test } from "vitest";
import { applyRetention, type StoredEvent } from "../../../index.js";
import { consume, parked } from "../../../src/consumers/index.js";
import { listOf, numbered, STORES, type Store } from "../consumers/support/stores.js";

// What removals do to events that a consumer has parked.

/** A consumer that fails on one event of the stream. It notes the others. */
function consumeBut(streams: Store, failing: number, handled: unknown[] = []) {
  const handle = async ({ type, data }: StoredEvent) => {
    if (data === failing) throw new Error("broken");
    handled.push(type === "Numbered" ? data : type);
  };
  const types = ["Numbered", "@deleted"];
  return consume(streams, { name: "mail", types, startFrom: "beginning", handle }, { retry: { attempts: 1 } });
}

/** Writes a stream of ten events, of which a consumer parks those from version 4 on. Then it stops. */
async function parkFrom4(streams: Store): Promise<void> {
  await using consumer = await consumeBut(streams, 4);
  await (await streams.openStream("a")).write([1, 2, 3, 4, 5, 6, 7, 8, 9, 10].map(numbered));
  await consumer.whenProcessed(10);
}

const parkedPositions = async (streams: Store) =>
  (await listOf(parked(streams, "mail"))).map(({ position }) => position);

describe.each(STORES)("events that are parked, over %s", (_, open) => {
  test("are dropped with a stream that is deleted by force", async () => {
    await using streams = await open();
    await parkFrom4(streams);
    await expect(streams.deleteStream("a")).rejects.toMatchObject({ neededBy: ["consumer mail"] });
    expect(await parkedPositions(streams)).toEqual([4, 5, 6, 7, 8, 9, 10]);
    await streams.deleteStream("a", { force: true });
    expect(await parkedPositions(streams)).toEqual([]);
  });

  test("are dropped while their consumer runs, and the tombstone does not wait behind them", async () => {
    await using streams = await open();
    const handled: unknown[] = [];
    await using consumer = await consumeBut(streams, 4, handled);
    await (await streams.openStream("a")).write([1, 2, 3, 4, 5].map(numbered));
    await consumer.whenProcessed(5);
    await streams.deleteStream("a", { force: true });
    await expect.poll(() => handled).toEqual([1, 2, 3, "@deleted"]);
    await expect.poll(() => parkedPositions(streams)).toEqual([]);
    expect(await consumer.lag()).toMatchObject({ events: 0, parked: 0 });
  });

  test("are dropped as far as they are pruned by force, and those of other streams stay", async () => {
    await using streams = await open();
    await parkFrom4(streams);
    await (await streams.openStream("b")).write([11, 12].map(numbered));
    await using consumer = await consumeBut(streams, 11);
    await consumer.whenProcessed(12);
    await consumer.stop();
    await streams.pruneStream("a", { before: 6, force: true });
    expect(await parkedPositions(streams)).toEqual([6, 7, 8, 9, 10, 11, 12]);
  });

  test("count no more once they are dropped, and the first of those that are left is tried", async () => {
    await using streams = await open();
    await parkFrom4(streams);
    await streams.pruneStream("a", { before: 6, force: true });
    const handled: unknown[] = [];
    await using consumer = await consumeBut(streams, 8, handled);
    await expect.poll(() => handled).toEqual([6, 7]);
    await expect.poll(() => parkedPositions(streams)).toEqual([8, 9, 10]);
    expect(await consumer.lag()).toMatchObject({ events: 0, parked: 3 });
  });

  test("stay, and retention goes as far as the first of them, as its dry run says", async () => {
    await using streams = await open();
    await parkFrom4(streams);
    const retain = (dryRun: boolean) => listOf(applyRetention(streams, [{ prefix: "", maxEvents: 1 }], { dryRun }));
    const report = { streamId: "a", version: 10, firstVersion: 4, removedEvents: 3, removedSnapshots: 0 };
    expect(await retain(true)).toEqual([report]);
    expect(await retain(false)).toEqual([report]);
    expect(await parkedPositions(streams)).toEqual([4, 5, 6, 7, 8, 9, 10]);
  });

  test("keep retention from deleting their stream, as its dry run says", async () => {
    await using streams = await open();
    await parkFrom4(streams);
    const rules = [{ prefix: "", deleteAfterMs: 0 }];
    // The age is compared in whole milliseconds.
    const { timestamp } = (await listOf((await streams.openStream("a")).read({ after: 9 })))[0] as StoredEvent;
    await expect.poll(() => Date.now()).toBeGreaterThan(timestamp.getTime());
    for (const dryRun of [true, false]) expect(await listOf(applyRetention(streams, rules, { dryRun }))).toEqual([]);
    expect(await streams.describeStream("a")).toMatchObject({ version: 10, deleted: false });
  });
});
