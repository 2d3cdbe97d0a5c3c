import { describe, expect, test } from "vitest";
import { MemoryNotifier } from "../../../adapters/memory/memory-notifier.js";
import { MemoryStorageHandle } from "../../../adapters/memory/memory-storage-handle.js";
import { type StoredEvent, sql } from "../../../index.js";
import {
  documents,
  dropProjection,
  readDocument,
  runProjections,
  whenProcessed,
} from "../../../src/projections/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { overriding } from "../../support/overriding.js";
import { writeToStreams } from "../consumers/support/stores.js";
import { balances, deposited, SQL_STORES } from "./support/stores.js";

describe.each(SQL_STORES)("events that projections need, over %s", (_, open) => {
  test("a rebuild that needs events which were removed is refused, and the tables stay as they are", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([deposited(1), deposited(2), deposited(4)]);
    await using runner = await runProjections(streams, [balances()]);
    await whenProcessed(streams, "balances", 3);
    await streams.pruneStream("a", { before: 2 });
    await expect(runner.rebuild("balances")).rejects.toMatchObject({ code: "EVENTS_REMOVED", streamId: "a" });
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 7 }]);
    await runner.rebuild("balances", { missing: "skip" });
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 6 }]);
    // What was shown before does not run any more, and needs no events.
    const { position } = await a.write([deposited(8), deposited(16)]);
    await whenProcessed(streams, "balances", position);
    await runner[Symbol.asyncDispose]();
    expect(await streams.pruneStream("a", { before: 5 })).toMatchObject({ firstVersion: 5 });
  });

  test.each(["behind", "inline"] as const)(
    "a new version that runs %s replaces nothing that has more",
    async (mode) => {
      await using streams = await open();
      const a = await streams.openStream("a");
      await a.write([deposited(1), deposited(2), deposited(4)]);
      const first = await runProjections(streams, [balances()]);
      await whenProcessed(streams, "balances", 3);
      await first[Symbol.asyncDispose]();
      await streams.pruneStream("a", { before: 2 });

      await using runner = await runProjections(streams, [balances(2)], { mode });
      await expect.poll(() => runner.status()[0]).toMatchObject({ version: 2, state: "failed", position: 0 });
      expect(runner.status()[0]?.error?.message).toContain('stream "a" has only its events from version 2 on');
      await a.write(deposited(8));
      await expect(runner.rebuild("balances")).rejects.toMatchObject({ code: "EVENTS_REMOVED", firstVersion: 2 });
      expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 7 }]);

      await runner.rebuild("balances", { missing: "skip" });
      expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 14 }]);
      await expect.poll(() => runner.status()[0]).toMatchObject({ version: 2, state: "live" });
    },
  );

  test("a process that has failed for want of events goes on when another says that they may be missing", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([deposited(1), deposited(2)]);
    const first = await runProjections(streams, [balances()]);
    await whenProcessed(streams, "balances", 2);
    await first[Symbol.asyncDispose]();
    await streams.pruneStream("a", { before: 2 });

    const newer = [balances(2)];
    await using holder = await runProjections(streams, newer, { leaseMs: 300 });
    await expect.poll(() => holder.status()[0]?.state).toBe("failed");
    await using other = await runProjections(streams, newer);
    await other.rebuild("balances", { missing: "skip" });
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 2 }]);
  });

  test("the first version of a projection is built of what there is", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([deposited(1), deposited(2)]);
    await streams.pruneStream("a", { before: 2 });
    await using _ = await runProjections(streams, [balances()]);
    await whenProcessed(streams, "balances", 2);
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 2 }]);
  });

  test("projections hold up a prune until they are dropped, which is refused while they run", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([deposited(1), deposited(-1), deposited(2)]);
    const runner = await runProjections(streams, [balances()]);
    await expect.poll(() => runner.status()[0]?.state).toBe("failed");
    await expect(dropProjection(streams, "balances")).rejects.toThrow('a process runs "balances"');
    await runner[Symbol.asyncDispose]();
    await expect(streams.pruneStream("a", { before: 3 })).rejects.toMatchObject({
      neededBy: ["projection balances@1"],
    });
    expect(await dropProjection(streams, "balances")).toBe(true);
    expect(await dropProjection(streams, "balances")).toBe(false);
    expect(await streams.pruneStream("a", { before: 3 })).toMatchObject({ removedEvents: 2 });
    await expect(streams.query(sql`SELECT balance FROM balances`)).rejects.toMatchObject({ code: "STORAGE_FAILED" });
  });

  test("documents of streams that are deleted go with them, where the type is wanted", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    const byStream = documents({
      name: "streams",
      types: ["Deposited", "@deleted"],
      evolve: (count: number | null, _event: StoredEvent) => (count ?? 0) + 1,
    });
    await using _ = await runProjections(streams, [byStream]);
    await whenProcessed(streams, "streams", 1);
    expect(await readDocument(streams, "streams", "a")).toBe(1);
    await streams.deleteStream("a");
    await whenProcessed(streams, "streams", 2);
    expect(await readDocument(streams, "streams", "a")).toBe(null);
  });
});

test("a new version that lacks events looks through the streams once, however often it tries again", async () => {
  const looked: string[] = [];
  const storage = new MemoryStorageHandle(Date.now);
  const watched = overriding<MemoryStorageHandle>(storage, {
    listStreams: (query) => {
      looked.push(query.after);
      return storage.listStreams(query);
    },
  });
  await using streams = createStreamFactory({ storage: watched, notifier: new MemoryNotifier(storage) });
  const counts = (version: number) =>
    documents({ name: "counts", version, types: ["Numbered"], evolve: (count: number | null) => (count ?? 0) + 1 });
  await writeToStreams(streams, 1_000);
  const last = await streams.openStream("t");
  const { position } = await last.write([deposited(1), deposited(2)]);
  const first = await runProjections(streams, [counts(1)]);
  await whenProcessed(streams, "counts", position);
  await first[Symbol.asyncDispose]();
  await streams.pruneStream("t", { before: 2 });
  looked.length = 0;

  await using _ = await runProjections(streams, [counts(2)]);
  await expect.poll(() => looked.length).toBeGreaterThan(3);
  expect(looked).toEqual(["", expect.stringMatching(/^s-/), "s-999", "s-999"]);
});
