import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { type StoredEvent, sql } from "../../../index.js";
import {
  documents,
  dropProjection,
  type Projection,
  type ProjectionStatus,
  readDocument,
  runProjections,
  whenProcessed,
} from "../../../src/projections/index.js";

type Deposited = { type: "Deposited"; data: { amount: number } };
const deposited = (amount: number): Deposited => ({ type: "Deposited", data: { amount } });

function balances(version: number, factor = 1): Projection<Deposited> {
  return {
    name: "balances",
    version,
    types: ["Deposited"],
    async tables({ sql: db, table }) {
      await db.run(sql`CREATE TABLE ${table("balances")} (id TEXT PRIMARY KEY, balance REAL NOT NULL)`);
    },
    async project(events, { sql: db, table }) {
      for (const { streamId, data } of events) {
        if (data.amount < 0) throw new Error(`negative ${data.amount}`);
        await db.run(sql`
          INSERT INTO ${table("balances")} VALUES (${streamId}, ${data.amount * factor})
          ON CONFLICT (id) DO UPDATE SET balance = balance + excluded.balance`);
      }
    },
  };
}

const total = documents<number, Deposited>({
  name: "totals",
  types: ["Deposited"],
  key: () => "all",
  evolve: (sum, { data }) => (sum ?? 0) + data.amount,
});

describe("projections in the event store", () => {
  test("follow the store, and are seen under their plain names", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    const a = await streams.openStream<Deposited>("a");
    await a.write([deposited(1), deposited(2)]);
    await using runner = await runProjections(streams, [balances(1), total]);
    const { position } = await a.write(deposited(3));
    await whenProcessed(streams, "balances", position);
    await whenProcessed(streams, "totals", position);
    expect(await streams.query(sql`SELECT * FROM balances`)).toEqual([{ id: "a", balance: 6 }]);
    expect(await streams.query(sql`SELECT * FROM totals`)).toEqual([{ key: "all", document: "6" }]);
    expect(await readDocument(streams, "totals", "all")).toBe(6);
    expect(runner.status()).toMatchObject([
      { name: "balances", version: 1, state: "live", position, parked: 0 },
      { name: "totals", state: "live", position },
    ]);
  });

  test("go on from their checkpoint, and pass over what they do not want", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    {
      await using _ = await runProjections(streams, [balances(1)]);
      await whenProcessed(streams, "balances", 1);
    }
    await a.write([deposited(2), ...Array.from({ length: 100 }, () => ({ type: "Other", data: null }))]);
    await using _ = await runProjections(streams, [balances(1)]);
    await whenProcessed(streams, "balances", 102);
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 3 }]);
  });

  test("of a new version are built beside the old ones, and swapped", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    const a = await streams.openStream("a");
    await a.write([deposited(1), deposited(2)]);
    const old = await runProjections(streams, [balances(1)]);
    await whenProcessed(streams, "balances", 2);
    const seen: unknown[] = [];
    const swapped = await runProjections(streams, [balances(2, 10)]);
    await expect
      .poll(async () => {
        const [row] = await streams.query<{ balance: number }>(sql`SELECT balance FROM balances`);
        seen.push(row?.balance);
        return row?.balance;
      })
      .toBe(30);
    expect(seen.filter((balance) => balance !== 3 && balance !== 30)).toEqual([]);
    // The old process goes on with its own tables, and swaps nothing back.
    await a.write(deposited(4));
    await whenProcessed(streams, "balances", 3);
    await expect.poll(() => old.status()[0]?.position).toBe(3);
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 70 }]);
    expect(await streams.query(sql`SELECT balance FROM balances__1`)).toEqual([{ balance: 7 }]);
    await old[Symbol.asyncDispose]();
    await swapped[Symbol.asyncDispose]();
  });

  test("are rebuilt beside themselves", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    const a = await streams.openStream("a");
    await a.write([deposited(1), deposited(2)]);
    await using runner = await runProjections(streams, [balances(1)]);
    await whenProcessed(streams, "balances", 2);
    await streams.transaction((tx) => tx.sql.run(sql`UPDATE balances__1 SET balance = 99`));
    await runner.rebuild("balances");
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 3 }]);
    await a.write(deposited(4));
    await whenProcessed(streams, "balances", 3);
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 7 }]);
    await streams.pruneStream("a", { before: 2 });
    await expect(runner.rebuild("balances")).rejects.toMatchObject({ code: "EVENTS_REMOVED", streamId: "a" });
    await runner.rebuild("balances", { missing: "skip" });
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 6 }]);
  });

  test("stop at an event that fails, with everything before it, and say which", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    const a = await streams.openStream("a");
    await a.write([...Array.from({ length: 19 }, () => deposited(1)), deposited(-1), deposited(1)]);
    const statuses: ProjectionStatus[] = [];
    await using _ = await runProjections(streams, [balances(1)], { onStatus: (status) => statuses.push(status) });
    await expect.poll(() => statuses.at(-1)?.state).toBe("failed");
    expect(statuses.at(-1)).toMatchObject({
      position: 19,
      error: { position: 20, streamId: "a", type: "Deposited", message: "negative -1" },
    });
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 19 }]);
  });

  test("park what fails where they are told to", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    const a = await streams.openStream("a");
    await a.write([deposited(1), deposited(-1), deposited(2)]);
    await using runner = await runProjections(streams, [balances(1)], { onError: "park" });
    await whenProcessed(streams, "balances", 3);
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 3 }]);
    expect(runner.status()).toMatchObject([{ state: "live", parked: 1 }]);
  });

  test("are run by one, and taken over when it stops", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    const first = await runProjections(streams, [balances(1)], { leaseMs: 300 });
    await whenProcessed(streams, "balances", 1);
    await using second = await runProjections(streams, [balances(1)], { leaseMs: 300 });
    await expect.poll(() => second.status()[0]?.state).toBe("standby");
    await first[Symbol.asyncDispose]();
    const { position } = await a.write(deposited(2));
    await whenProcessed(streams, "balances", position);
    expect(second.status()[0]).toMatchObject({ state: "live" });
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 3 }]);
  });

  test("hold up a prune until they are dropped, which is refused while they run", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    const a = await streams.openStream("a");
    await a.write([deposited(1), deposited(-1), deposited(2)]);
    const runner = await runProjections(streams, [balances(1)]);
    await expect.poll(() => runner.status()[0]?.state).toBe("failed");
    await expect(dropProjection(streams, "balances")).rejects.toThrow('a process runs "balances"');
    await runner[Symbol.asyncDispose]();
    await expect(streams.pruneStream("a", { before: 3 })).rejects.toMatchObject({
      neededBy: ["projection balances@1"],
    });
    expect(await dropProjection(streams, "balances")).toBe(true);
    expect(await dropProjection(streams, "balances")).toBe(false);
    expect(await streams.pruneStream("a", { before: 3 })).toMatchObject({ removedEvents: 2 });
    expect(await streams.query(sql`SELECT name FROM sqlite_master WHERE name LIKE 'balances%'`)).toEqual([]);
  });
});

test("documents need no SQL", async () => {
  await using streams = memoryStreamFactory();
  const a = await streams.openStream("a");
  await a.write([deposited(1), deposited(2)]);
  await using runner = await runProjections(streams, [total]);
  const { position } = await a.write(deposited(3));
  await whenProcessed(streams, "totals", position);
  expect(await readDocument(streams, "totals", "all")).toBe(6);
  expect(await readDocument(streams, "totals", "none")).toBe(null);
  await runner.rebuild("totals");
  expect(await readDocument(streams, "totals", "all")).toBe(6);
});

test("documents of streams that are deleted go with them, where the type is wanted", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
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
