import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StoredEvent } from "../../../index.js";
import { CONSUMERS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { consume, dropParked, parked, retryParked } from "../../../src/consumers/index.js";
import { Gate } from "../../conformance/support/transactions.js";
import { SHARED_STORES } from "../administration/support/stores.js";
import { collecting } from "./support/collecting.js";
import { countCalls } from "./support/counted-calls.js";
import { recordOf } from "./support/lease-records.js";
import { listOf, numbered, writeToStreams } from "./support/stores.js";
import { unbrokenHandler } from "./support/unbroken-handler.js";

const A_DAY_MS = 86_400_000;

/** A consumer that notes who has begun an event, and ends with it when it is told. */
const noting = (begun: string[], owner: string, end: Promise<void>) => ({
  name: "all",
  startFrom: "beginning" as const,
  handle: async () => {
    begun.push(owner);
    await end;
  },
});

// Two factories over one store are as two processes: neither knows what the other does.

describe.each(SHARED_STORES)("a consumer of several processes, over %s", (_, makeStore) => {
  async function openTwo() {
    const store = await makeStore();
    const [ours, theirs] = [await store.open(), await store.open()];
    return {
      ours,
      theirs,
      async [Symbol.asyncDispose]() {
        for (const opened of [ours, theirs, store]) await opened[Symbol.asyncDispose]();
      },
    };
  }

  test("handles what another writes, which can wait for it and see how far it is", async () => {
    await using both = await openTwo();
    const { ours, theirs } = both;
    const handled: [string, unknown][] = [];
    const start = (owner: string, streams: typeof ours) =>
      consume(
        streams,
        {
          name: "all",
          startFrom: "beginning",
          handle: async ({ data }: StoredEvent) => void handled.push([owner, data]),
        },
        { leaseMs: 86_400_000 },
      );
    const first = await start("ours", ours);
    const position = await writeToStreams(theirs, 3);
    await first.whenProcessed(position);
    await using second = await start("theirs", theirs);
    expect(handled).toEqual([0, 1, 2].map((data) => ["ours", data]));
    await first.stop();

    // What was given back is taken with the next event, and not after the lease.
    const last = await writeToStreams(ours, 2, 3);
    await expect
      .poll(() => handled.slice(3), { timeout: 10_000 })
      .toEqual([
        ["theirs", 3],
        ["theirs", 4],
      ]);
    await second.whenProcessed(last);
    expect(await second.lag()).toEqual({ position: last, head: last, events: 0, oldestMs: 0, parked: 0 });
  });

  test("goes on in another process when one stops in the middle of an event, though no further event comes", async () => {
    await using both = await openTwo();
    const { ours, theirs } = both;
    const begun: string[] = [];
    const options = { leaseMs: A_DAY_MS };
    const first = await consume(ours, noting(begun, "ours", new Promise(() => undefined)), options);
    await using _second = await consume(theirs, noting(begun, "theirs", Promise.resolve()), options);
    await writeToStreams(ours, 1);
    await expect.poll(() => begun).toEqual(["ours"]);
    await first.stop({ drainMs: 0 });

    await expect.poll(() => begun).toEqual(["ours", "theirs"]);
  });

  test("looks for what others give back also with its fair share, in reads that no writer waits for", async () => {
    await using both = await openTwo();
    const { ours, theirs } = both;
    const begun: string[] = [];
    const options = { leaseMs: A_DAY_MS, checkpointEvery: { ms: A_DAY_MS }, partitions: 2 };
    const ownerOf = async (index: number) => (await recordOf(ours, CONSUMERS_SPACE, `all/${index}`))?.owner;
    const first = await consume(ours, noting(begun, "ours", new Promise(() => undefined)), options);
    await using _second = await consume(theirs, noting(begun, "theirs", Promise.resolve()), options);
    // The first looks at the records and gives a partition back, and the other takes it.
    const owner = await ownerOf(0);
    await retryParked(ours, "all");
    await expect.poll(() => ownerOf(1)).not.toBe(owner);
    await retryParked(theirs, "all");
    await expect.poll(() => ownerOf(1)).not.toBe(null);
    await writeToStreams(ours, 8);
    await expect.poll(() => new Set(begun)).toEqual(new Set(["ours", "theirs"]));
    const calls = countCalls(theirs);
    await expect.poll(() => calls.listRecords, { timeout: 10_000 }).toBeGreaterThan(3);
    expect(calls.transact).toBe(0);

    await first.stop({ drainMs: 0 });
    await expect.poll(() => begun.filter((owner) => owner === "theirs")).toHaveLength(8);
  });

  test("records nothing for a process that was held up for longer than its lease, and aborts what it does", async () => {
    await using both = await openTwo();
    const { ours, theirs } = both;
    await (await ours.openStream("a")).write([1, 2, 3].map(numbered));
    const signals: AbortSignal[] = [];
    const tokens: number[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    // It does not renew its lease for a long time, and the other has little patience.
    await using late = await consume(
      ours,
      {
        name: "all",
        startFrom: "beginning",
        handle: async (_event: StoredEvent, { signal, fencingToken }) => {
          signals.push(signal);
          tokens.push(fencingToken);
          await held;
        },
      },
      { leaseMs: 60_000, checkpointEvery: { events: 1 } },
    );
    await expect.poll(() => signals.length).toBe(1);
    const handled: unknown[] = [];
    await using heir = await consume(
      theirs,
      {
        name: "all",
        startFrom: "beginning",
        handle: async ({ data }: StoredEvent, { fencingToken }) => {
          handled.push(data);
          tokens.push(fencingToken);
        },
      },
      { leaseMs: 60, checkpointEvery: { events: 1 } },
    );
    await heir.whenProcessed(3);
    await expect.poll(async () => (await recordOf(theirs, CONSUMERS_SPACE, "all/0"))?.position).toBe(3);

    // It looks at the records again.
    await retryParked(ours, "all");
    await expect.poll(() => signals[0]?.aborted).toBe(true);
    release();
    await late.stop();
    expect(signals).toHaveLength(1);
    expect(handled).toEqual([1, 2, 3]);
    expect(tokens[1]).toBeGreaterThan(tokens[0] ?? 0);
    expect(await recordOf(theirs, CONSUMERS_SPACE, "all/0")).toMatchObject({ position: 3 });
  });

  test("is kept with an event that takes far longer than the lease", async () => {
    await using both = await openTwo();
    const { ours, theirs } = both;
    const leaseMs = 600;
    const begun: string[] = [];
    const signals: AbortSignal[] = [];
    const end = new Gate();
    const start = (owner: string, streams: typeof ours) =>
      consume(
        streams,
        {
          name: "all",
          startFrom: "beginning",
          handle: async (_event: StoredEvent, { signal }) => {
            begun.push(owner);
            signals.push(signal);
            await end.opened;
          },
        },
        { leaseMs },
      );
    await using first = await start("ours", ours);
    const position = await writeToStreams(ours, 1);
    await expect.poll(() => begun).toEqual(["ours"]);
    await using _second = await start("theirs", theirs);
    // Each renewal is a third of it.
    const renewals = new Set<unknown>();
    const renewal = async () => (await recordOf(theirs, CONSUMERS_SPACE, "all/0"))?.untilMs;
    await expect.poll(async () => renewals.add(await renewal()).size).toBeGreaterThan(7);
    end.open();
    await first.whenProcessed(position);
    expect(begun).toEqual(["ours"]);
    expect(signals[0]?.aborted).toBe(false);
  });

  test("has parked events tried once, in order, when two processes ask for it at the same time", async () => {
    await using both = await openTwo();
    const { ours, theirs } = both;
    const { position } = await (await ours.openStream("a")).write([1, 2, 3].map(numbered));
    let isBroken = true;
    const handled: unknown[] = [];
    const handle = unbrokenHandler(handled, () => isBroken);
    const start = (streams: typeof ours) =>
      consume(
        streams,
        {
          name: "all",
          startFrom: "beginning",
          handle,
        },
        { retry: { attempts: 1 } },
      );
    await using first = await start(ours);
    await using _second = await start(theirs);
    await first.whenProcessed(position);
    isBroken = false;
    const released = await Promise.all([retryParked(ours, "all"), retryParked(theirs, "all")]);
    expect(Math.max(...released)).toBe(3);
    await expect.poll(() => listOf(parked(theirs, "all"))).toEqual([]);
    expect(handled).toEqual([1, 2, 3]);
  });

  test.each(["retryParked", "dropParked"])("notices %s of another process at the next event", async (call) => {
    await using both = await openTwo();
    const { ours, theirs } = both;
    let isBroken = true;
    const handled: unknown[] = [];
    await using consumer = await consume(
      ours,
      {
        name: "all",
        startFrom: "beginning",
        handle: unbrokenHandler(handled, () => isBroken),
      },
      // Only an event can bring it in time.
      { retry: { attempts: 1 }, leaseMs: 86_400_000 },
    );
    const { position } = await (await ours.openStream("a")).write([1, 2, 3].map(numbered));
    await consumer.whenProcessed(position);
    isBroken = false;
    if (call === "retryParked") expect(await retryParked(theirs, "all", { streamId: "a" })).toBe(3);
    else expect(await dropParked(theirs, "all", { position: 1 })).toBe(true);
    await writeToStreams(theirs, 1, 4);
    // What was parked comes first.
    const expected = call === "retryParked" ? [1, 2, 3, 4] : [2, 3, 4];
    await expect.poll(() => handled).toEqual(expected);
    expect(await listOf(parked(theirs, "all"))).toEqual([]);
  });

  test("goes on with a stream after a stop amid its retries, also with what was parked behind it meanwhile", async () => {
    await using both = await openTwo();
    const { ours, theirs } = both;
    let isBroken = true;
    const begun: unknown[] = [];
    let release = (): void => undefined;
    const start = () =>
      consume(
        ours,
        {
          name: "all",
          startFrom: "beginning",
          handle: async ({ data, streamId }: StoredEvent) => {
            if (isBroken) throw new Error("broken");
            begun.push(data);
            if (streamId === "held" || data === 1) {
              await new Promise<void>((resolve) => {
                release = resolve;
              });
            }
          },
        },
        { retry: { attempts: 1 }, leaseMs: 86_400_000 },
      );
    const first = await start();
    const { position } = await (await ours.openStream("a")).write(numbered(1));
    await first.whenProcessed(position);
    isBroken = false;
    await ours.writeAll([
      { streamId: "held", events: numbered(10) },
      { streamId: "a", events: numbered(2) },
    ]);
    await expect.poll(() => begun).toEqual([10]);
    expect(await retryParked(theirs, "all")).toBe(1);
    release();
    await expect.poll(() => listOf(parked(theirs, "all"))).toHaveLength(2);
    await (await theirs.openStream("b")).write(numbered(20));
    await expect.poll(() => begun).toEqual([10, 1]);
    const stopped = first.stop();
    release();
    await stopped;
    expect(await listOf(parked(theirs, "all"))).toMatchObject([{ streamId: "a", error: null }]);

    await using _second = await start();
    await expect.poll(() => begun).toEqual([10, 1, 2, 20]);
  });
});

test("a consumer that asks how far others are is refused in a transaction and once the store is disposed of", async () => {
  const streams = await sqliteStreamFactory(":memory:", { findMisuse: true });
  await consume(streams, collecting([]));
  const second = await consume(streams, collecting([]));
  const refused = expect.stringContaining('run consumer "all"');
  await expect(streams.transaction(() => second.whenProcessed(0))).rejects.toMatchObject({
    code: "TRANSACTION_MISUSE",
    message: refused,
  });
  await streams[Symbol.asyncDispose]();
  await expect(second.whenProcessed(0)).rejects.toMatchObject({ code: "STREAM_CLOSED", message: refused });
});
