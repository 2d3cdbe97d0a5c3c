import { describe, expect, test } from "vitest";
import type { StoredEvent } from "../../../index.js";
import { consume, dropConsumer, dropParked, parked, retryParked } from "../../../src/consumers/index.js";
import { listOf, numbered, STORES } from "./support/stores.js";

describe.each(STORES)("events that a consumer needs, over %s", (_, open) => {
  test("are not removed before it has handled them, and it is named", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([1, 2, 3, 4].map(numbered));
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    await using consumer = await consume(streams, { name: "mail", startFrom: "beginning", handle: () => held });
    const prune = () => streams.pruneStream("a", { before: 4 });
    await expect(prune()).rejects.toMatchObject({ code: "EVENTS_NEEDED", neededBy: ["consumer mail"] });
    await expect(streams.deleteStream("a")).rejects.toMatchObject({ neededBy: ["consumer mail"] });

    release();
    await consumer.whenProcessed(4);
    await consumer.stop();
    expect(await prune()).toMatchObject({ firstVersion: 4, removedEvents: 3 });
  });

  test("are not removed while they are parked, unless they are given up", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([1, 2, 3].map(numbered));
    await using consumer = await consume(
      streams,
      {
        name: "mail",
        startFrom: "beginning",
        handle: async ({ data }: StoredEvent) => {
          if (data === 1) throw new Error("broken");
        },
      },
      { retry: { attempts: 1 } },
    );
    await consumer.whenProcessed(3);
    await consumer.stop();
    const prune = () => streams.pruneStream("a", { before: 3 });
    await expect(prune()).rejects.toMatchObject({ code: "EVENTS_NEEDED", neededBy: ["consumer mail"] });
    expect(await dropParked(streams, "mail", { position: 1 })).toBe(true);
    await expect(prune()).rejects.toMatchObject({ neededBy: ["consumer mail"] });
    expect(await dropConsumer(streams, "mail")).toBe(true);
    expect(await prune()).toMatchObject({ removedEvents: 2 });
  });

  test("that were removed by force are not tried again", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([1, 2, 3].map(numbered));
    const handled: unknown[] = [];
    let isBroken = true;
    await using consumer = await consume(
      streams,
      {
        name: "mail",
        startFrom: "beginning",
        handle: async ({ data }: StoredEvent) => {
          if (isBroken) throw new Error("broken");
          handled.push(data);
        },
      },
      { retry: { attempts: 1 } },
    );
    await consumer.whenProcessed(3);
    await streams.pruneStream("a", { before: 3, force: true });
    isBroken = false;
    await retryParked(streams, "mail");
    await expect.poll(() => listOf(parked(streams, "mail"))).toEqual([]);
    expect(handled).toEqual([3]);
  });

  test("that were removed by force let those go on at once that waited behind them", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([1, 2, 3].map(numbered));
    const handled: unknown[] = [];
    await using consumer = await consume(
      streams,
      {
        name: "mail",
        startFrom: "beginning",
        handle: async ({ data }: StoredEvent) => {
          if (data === 1) throw new Error("broken");
          handled.push(data);
        },
      },
      // No renewal brings it in time.
      { retry: { attempts: 1 }, leaseMs: 86_400_000 },
    );
    await consumer.whenProcessed(3);
    await streams.pruneStream("a", { before: 2, force: true });
    await expect.poll(() => handled).toEqual([2, 3]);
    await expect.poll(() => listOf(parked(streams, "mail"))).toEqual([]);
  });

  test("that were removed by force are passed over: it goes on with what is left, and its lag is right", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([1, 2, 3, 4].map(numbered));
    const handled: unknown[] = [];
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const definition = {
      name: "mail",
      startFrom: "beginning",
      handle: async ({ data }: StoredEvent) => {
        await held;
        handled.push(data);
      },
    } as const;
    const first = await consume(streams, definition);
    await first.stop({ drainMs: 0 });
    await streams.pruneStream("a", { before: 4, force: true });
    release();

    await using second = await consume(streams, definition);
    await second.whenProcessed(4);
    expect(handled.at(-1)).toBe(4);
    expect(handled).not.toContain(2);
    expect(await second.lag()).toMatchObject({ events: 0, parked: 0 });
    const { position } = await a.write(numbered(5));
    await second.whenProcessed(position);
    expect(await second.lag()).toEqual({ position, head: position, events: 0, oldestMs: 0, parked: 0 });
  });

  test.each(["handle", "transact"] as const)(
    "are none of streams that it does not want, soon after, with %s",
    async (mode) => {
      await using streams = await open();
      const work = { handle: {}, transact: {} };
      work.handle = { handle: async () => undefined };
      work.transact = { transact: async () => undefined };
      await using _consumer = await consume(
        streams,
        { name: "mail", types: ["Ordered"], startFrom: "beginning", ...work[mode] },
        { partitions: 2, checkpointEvery: { ms: 10 } },
      );
      await (await streams.openStream("session")).write([1, 2, 3].map(numbered));
      await expect
        .poll(() => streams.pruneStream("session", { before: 3 }).catch((error: unknown) => error), { timeout: 5_000 })
        .toMatchObject({ removedEvents: 2 });
    },
  );
});
