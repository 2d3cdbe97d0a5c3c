import { MessageChannel } from "node:worker_threads";
import { describe, expect, test, vi } from "vitest";
import { type MemoryOptions, memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { type AdministrableStreamFactory, applyRetention, type TransactionalStreamFactory } from "../../../index.js";
import { connectStreams, exposeStreams } from "../../../src/worker/index.js";

const STORES: [string, (options: MemoryOptions) => Promise<TransactionalStreamFactory>][] = [
  ["memory", async (options) => memoryStreamFactory(options)],
  ["SQLite", (options) => sqliteStreamFactory(":memory:", options)],
];

describe.each(STORES)("the options of a store in %s hold for its workers", (_, open) => {
  async function connect(options: MemoryOptions) {
    const store = await open(options);
    const { port1, port2 } = new MessageChannel();
    exposeStreams(store, port1);
    const streams = await connectStreams<TransactionalStreamFactory & AdministrableStreamFactory>(port2);
    return {
      streams,
      async [Symbol.asyncDispose]() {
        await streams[Symbol.asyncDispose]();
        await store[Symbol.asyncDispose]();
      },
    };
  }

  test("findMisuse: a call that bypasses tx is refused at once", async () => {
    await using both = await connect({ findMisuse: true });
    const misusing = both.streams.transaction(() => both.streams.openStream("a"));

    await expect(misusing).rejects.toMatchObject({ code: "TRANSACTION_MISUSE" });
  });

  test("now: it is the clock of snapshots too", async () => {
    const timestamp = new Date("2001-02-03T04:05:06.007Z");
    await using both = await connect({ now: () => timestamp.getTime() });
    const a = await both.streams.openStream("a");
    await a.write({ type: "A", data: null });
    await a.snapshot("a state");

    expect(await a.loadSnapshot()).toMatchObject({ state: "a state", timestamp });
  });

  test("now: it is the clock of retention too", async () => {
    let timeMs = Date.now();
    const now = vi.fn(() => timeMs);
    await using both = await connect({ now });
    for (const id of ["old", "young"]) await (await both.streams.openStream(id)).write({ type: "A", data: null });
    timeMs += 10_000;
    await (await both.streams.openStream("young")).write({ type: "A", data: null });
    const rules = [
      { prefix: "old", deleteAfterMs: 5_000 },
      { prefix: "young", maxAgeMs: 5_000 },
    ];
    now.mockClear();
    for await (const _ of applyRetention(both.streams, rules, { dryRun: true }));
    // A message of the port each.
    expect(now).toHaveBeenCalledOnce();

    const removed = [];
    for await (const report of applyRetention(both.streams, rules)) removed.push(report);

    expect(removed).toMatchObject([
      { streamId: "old", version: 2, removedEvents: 1 },
      { streamId: "young", firstVersion: 2, removedEvents: 1 },
    ]);
  });
});
