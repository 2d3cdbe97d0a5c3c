import { describe, expect, test } from "vitest";
import type { StoredEvent } from "../../../index.js";
import { consume, parked, retryParked, TerminalError } from "../../../src/consumers/index.js";
import { listOf, numbered, STORES } from "./support/stores.js";

describe.each(STORES)("a consumer over %s", (_, open) => {
  test("handles what is stored and what comes, those of a stream in order", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([numbered(1), numbered(2)]);
    const handled: unknown[] = [];
    await using consumer = await consume(streams, {
      name: "all",
      startFrom: "beginning",
      handle: async ({ data }) => void handled.push(data),
    });
    const { position } = await a.write([numbered(3), numbered(4)]);
    await consumer.whenProcessed(position);

    expect(handled).toEqual([1, 2, 3, 4]);
    expect(await consumer.lag()).toEqual({ position, head: position, events: 0, oldestMs: 0, parked: 0 });
  });

  test("goes on from its checkpoint after a stop", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([numbered(1), numbered(2)]);
    const handled: unknown[] = [];
    const definition = {
      name: "all",
      startFrom: "beginning",
      handle: async ({ data }: StoredEvent) => void handled.push(data),
    } as const;
    const first = await consume(streams, definition);
    await first.whenProcessed(2);
    await first.stop();
    await a.write(numbered(3));
    await using second = await consume(streams, definition);
    await second.whenProcessed(3);

    expect(handled).toEqual([1, 2, 3]);
  });

  test("transact stores its checkpoint with what it writes", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([numbered(1), { ...numbered(2), metadata: { correlationId: "c" } }]);
    await using consumer = await consume(streams, {
      name: "copy",
      types: ["Numbered"],
      startFrom: "beginning",
      transact: async ({ data }, tx) => void (await tx.write("b", { type: "Copied", data: data as number })),
    });
    await consumer.whenProcessed(2);

    const copies = await listOf((await streams.openStream("b")).read());
    const [first, second] = await listOf(a.read());
    expect(copies).toMatchObject([
      { data: 1, metadata: { causationId: first?.id }, id: "copy/1/1" },
      { data: 2, metadata: { causationId: second?.id, correlationId: "c" }, id: "copy/2/1" },
    ]);
    expect(copies[0]?.metadata).not.toHaveProperty("correlationId");
  });

  test("transact stores events as they are when it calls write, and before what it calls next", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write(numbered(1));
    const versions: number[] = [];
    await using consumer = await consume(streams, {
      name: "copies",
      startFrom: "beginning",
      types: ["Numbered"],
      transact: async (_event, tx) => {
        const copied = { type: "Copied", data: { count: 1 } };
        const writing = tx.write("b", copied);
        const version = tx.version("b");
        copied.data.count = 2;
        versions.push(await version);
        await writing;
      },
    });
    await consumer.whenProcessed(1);
    expect(versions).toEqual([1]);
    await using b = await streams.openStream("b");
    expect(await listOf(b.read())).toMatchObject([{ data: { count: 1 } }]);
  });

  test("transact stores nothing twice of what handle has stored under the same keys", async () => {
    await using streams = await open();
    const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
    await a.write([numbered(1), { ...numbered(2), metadata: { correlationId: "c" } }]);
    const definition = { name: "copy", types: ["Numbered"], startFrom: "beginning" } as const;
    const copies = (data: unknown) => [1, 2].map((part) => ({ type: "Copied", data: [data as number, part] }));
    const first = await consume(streams, {
      ...definition,
      handle: async ({ data, position }) => {
        const keyed = copies(data).map((copy, index) => ({ ...copy, idempotencyKey: `copy/${position}/${index + 1}` }));
        await b.write(keyed);
      },
    });
    await first.whenProcessed(2);
    await first.stop();
    const stored = await listOf(b.read());
    expect(stored).toHaveLength(4);

    const written: number[] = [];
    let runs = 0;
    await using second = await consume(
      streams,
      {
        ...definition,
        restart: "as a transaction",
        transact: async ({ data }, tx) => {
          runs += 1;
          written.push((await tx.write("b", copies(data))).written);
        },
      },
      { retry: { attempts: 1 } },
    );
    const { position } = await a.write(numbered(3));
    await second.whenProcessed(position);
    expect(await listOf(parked(streams, "copy"))).toEqual([]);
    expect(written).toEqual([0, 0, 2]);
    // Twice for each event that handle has stored something of, however much.
    expect(runs).toBe(5);
    const all = await listOf(b.read());
    expect(all.slice(0, 4)).toEqual(stored);
    const cause = (await listOf(a.read())).at(-1)?.id;
    expect(all.slice(4)).toMatchObject([1, 2].map(() => ({ metadata: { causationId: cause } })));
    expect(all).toHaveLength(6);
  });

  test("transact fails at another event under its key, and names the cause of what handle has not stored", async () => {
    await using streams = await open();
    const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
    await a.write([numbered(1), numbered(2)]);
    await b.write({ type: "Copied", data: 1, idempotencyKey: "copy/1/1" });
    await b.write({ type: "Other", data: 2, idempotencyKey: "copy/2/1" });
    let runs = 0;
    await using consumer = await consume(
      streams,
      {
        name: "copy",
        types: ["Numbered"],
        startFrom: "beginning",
        transact: async ({ data }, tx) => {
          runs += 1;
          await tx.write("b", { type: "Copied", data });
          await tx.write("b", { type: "Copied", data });
        },
      },
      { retry: { attempts: 1 } },
    );
    await consumer.whenProcessed(2);
    expect(runs).toBe(4);
    expect(await listOf(b.read())).toMatchObject([
      { id: "copy/1/1", metadata: null },
      { id: "copy/2/1", type: "Other" },
      { id: "copy/1/2", metadata: { causationId: (await listOf(a.read()))[0]?.id } },
    ]);
    expect(await listOf(parked(streams, "copy"))).toMatchObject([{ position: 2, attempts: 1 }]);
  });

  test("parks an event that fails to the end, and those behind it, and retries them in order", async () => {
    await using streams = await open();
    const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
    await a.write([numbered(1), numbered(2), numbered(3), numbered(4)]);
    await b.write(numbered(5));
    const handled: unknown[] = [];
    let isBroken = true;
    await using consumer = await consume(
      streams,
      {
        name: "all",
        startFrom: "beginning",
        handle: async ({ data }) => {
          if (data === 2 && isBroken) throw new Error("broken");
          handled.push(data);
        },
      },
      { retry: { attempts: 3, minDelayMs: 1 } },
    );
    await consumer.whenProcessed(5);
    expect(handled).toEqual([1, 5]);
    expect(await listOf(parked(streams, "all"))).toMatchObject([
      { streamId: "a", position: 2, attempts: 3, error: "broken" },
      { streamId: "a", position: 3, attempts: 0, error: null },
      { streamId: "a", position: 4, attempts: 0, error: null },
    ]);
    expect(await consumer.lag()).toMatchObject({ events: 0, parked: 3 });

    isBroken = false;
    expect(await retryParked(streams, "all")).toBe(3);
    await expect.poll(() => handled).toEqual([1, 5, 2, 3, 4]);
    await a.write(numbered(6));
    await consumer.whenProcessed(6);
    expect(handled).toEqual([1, 5, 2, 3, 4, 6]);
    expect(await listOf(parked(streams, "all"))).toEqual([]);
  });

  test("parks at once what a TerminalError says", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write(numbered(1));
    await using consumer = await consume(streams, {
      name: "all",
      startFrom: "beginning",
      handle: async () => Promise.reject(new TerminalError("no use")),
    });
    await consumer.whenProcessed(1);
    expect(await listOf(parked(streams, "all"))).toMatchObject([{ position: 1, attempts: 1, error: "no use" }]);
  });
});
