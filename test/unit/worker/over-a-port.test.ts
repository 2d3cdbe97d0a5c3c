import { MessageChannel } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StoredEvent } from "../../../index.js";
import { type ConsumerFailure, consume, parked, retryParked } from "../../../src/consumers/index.js";
import {
  documents,
  projectToMemory,
  readDocument,
  runProjections,
  whenProcessed,
} from "../../../src/projections/index.js";
import { connectStreams, exposeStreams } from "../../../src/worker/index.js";
import { countCalls } from "../consumers/support/counted-calls.js";
import { listOf, numbered, STORES, type Store } from "../consumers/support/stores.js";

type Numbered = { type: "Numbered"; data: number };

const sums = documents<number, Numbered>({
  name: "sums",
  types: ["Numbered"],
  evolve: (sum, { data }) => (sum ?? 0) + data,
});

describe.each(STORES)("a worker that is connected to a store in %s", (_, open) => {
  async function connect() {
    const store = await open();
    const { port1, port2 } = new MessageChannel();
    exposeStreams(store, port1);
    const streams = await connectStreams<Store>(port2);
    return {
      store,
      streams,
      async [Symbol.asyncDispose]() {
        await streams[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      },
    };
  }

  test("runs consumers, which go on in the thread of the store", async () => {
    await using both = await connect();
    const { store, streams } = both;
    const a = await store.openStream("a");
    await a.write([1, 2, 3].map(numbered));
    const handled: [string, unknown][] = [];
    const failures: ConsumerFailure[] = [];
    let isBroken = true;
    const start = (where: string, factory: Store) =>
      consume(
        factory,
        {
          name: "copy",
          types: ["Numbered"],
          startFrom: "beginning",
          transact: async ({ data }: StoredEvent, tx) => {
            if (data === 3 && isBroken) throw new RangeError("broken");
            await tx.write("b", { type: "Copied", data: data as number });
            handled.push([where, data]);
          },
        },
        { retry: { attempts: 1 }, onError: (failure) => failures.push(failure) },
      );
    const there = await start("worker", streams);
    await there.whenProcessed((await a.write(numbered(4))).position);
    expect(failures).toMatchObject([{ consumer: "copy", next: "park", error: new RangeError("broken") }]);
    expect(await listOf(parked(store, "copy"))).toMatchObject([
      { position: 3, attempts: 1, error: "broken" },
      { attempts: 0, error: null },
    ]);
    await there.stop();

    isBroken = false;
    await using here = await start("store", store);
    // Through the worker, while the thread of the store runs it.
    expect(await retryParked(streams, "copy")).toBe(2);
    await here.whenProcessed((await a.write(numbered(5))).position);
    await here.stop();
    await using _back = await start("worker", streams);
    await expect.poll(() => listOf(parked(store, "copy"))).toEqual([]);
    const copies = await listOf((await streams.openStream("b")).read());
    expect(copies.map(({ data }) => data)).toEqual([1, 2, 3, 4, 5]);
    expect(handled.slice(0, 2)).toEqual([
      ["worker", 1],
      ["worker", 2],
    ]);
  });

  test("runs projections in the store, and read models in its own memory", async () => {
    await using both = await connect();
    const { store, streams } = both;
    const a = await store.openStream("a");
    await a.write([1, 2].map(numbered));
    await using runner = await runProjections(streams, [sums]);
    await using total = await projectToMemory<number, Numbered>(streams, {
      name: "total",
      types: ["Numbered"],
      initial: () => 0,
      evolve: (sum, { data }) => sum + data,
    });
    expect(total.state).toBe(3);
    const { position } = await a.write(numbered(4));
    for (const factory of [store, streams]) {
      await whenProcessed(factory, "sums", position);
      expect(await readDocument(factory, "sums", "a")).toBe(7);
    }
    await total.whenProcessed(position);
    expect(total.state).toBe(7);
    await runner.rebuild("sums");
    expect(await readDocument(store, "sums", "a")).toBe(7);
    expect(runner.status()).toMatchObject([{ name: "sums", state: "live", position }]);
  });
});

test("a worker asks how far a projection is in a read of the store, and without a transaction", async () => {
  await using store = await sqliteStreamFactory(":memory:");
  const { position } = await (await store.openStream("a")).write(numbered(1));
  const runner = await runProjections(store, [sums]);
  await whenProcessed(store, "sums", position);
  await runner[Symbol.asyncDispose]();
  const { port1, port2 } = new MessageChannel();
  exposeStreams(store, port1);
  await using streams = await connectStreams<Store>(port2);
  const calls = countCalls(store);
  await whenProcessed(streams, "sums", position);
  expect(calls.transact).toBe(0);
  expect(calls.listRecords).toBeGreaterThan(0);
});
