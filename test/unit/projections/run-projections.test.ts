import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sql } from "../../../index.js";
import {
  documents,
  dropProjection,
  type Projection,
  type ProjectionContext,
  type ProjectionStatus,
  readDocument,
  runProjections,
  whenProcessed,
} from "../../../src/projections/index.js";
import { stopClock } from "../../support/stopped-clock.js";
import { countCalls } from "../consumers/support/counted-calls.js";
import { balances, type Deposited, deposited, SQL_STORES } from "./support/stores.js";

const total = documents<number, Deposited>({
  name: "totals",
  types: ["Deposited"],
  key: () => "all",
  evolve: (sum, { data }) => (sum ?? 0) + data.amount,
});

describe.each(SQL_STORES)("projections over %s", (_, open) => {
  test("follow the store, and are seen under their plain names", async () => {
    await using streams = await open();
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
    await using streams = await open();
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
    await using streams = await open();
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
    await using _oldAgain = await runProjections(streams, [balances(1)]);
    await a.write(deposited(1));
    await whenProcessed(streams, "balances", 4);
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 80 }]);
    await swapped[Symbol.asyncDispose]();
  });

  test("are rebuilt beside themselves", async () => {
    await using streams = await open();
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
  });

  test("are waited for in a rebuild no longer than their runner lives, and the next one goes on with it", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write([deposited(1), deposited(2)]);
    const first = await runProjections(streams, [balances(1)]);
    await whenProcessed(streams, "balances", 2);
    await first[Symbol.asyncDispose]();
    await streams.transaction((tx) => tx.sql.run(sql`UPDATE balances__1 SET balance = 99`));
    const closed = { code: "STREAM_CLOSED" };
    await expect(first.rebuild("balances")).rejects.toMatchObject(closed);

    const failing = { ...balances(1), project: () => Promise.reject(new Error("not yet")) };
    const second = await runProjections(streams, [failing]);
    const rebuilt = second.rebuild("balances");
    await expect.poll(() => second.status()[0]?.state).toBe("failed");
    await Promise.all([expect(rebuilt).rejects.toMatchObject(closed), second[Symbol.asyncDispose]()]);

    await using _ = await runProjections(streams, [balances(1)]);
    await expect.poll(() => streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 3 }]);
  });

  test("that are rebuilt by one runner go on in the others", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([deposited(1), deposited(2)]);
    await using _first = await runProjections(streams, [balances(1)], { leaseMs: 300 });
    await whenProcessed(streams, "balances", 2);
    {
      await using second = await runProjections(streams, [balances(1)], { leaseMs: 300 });
      await second.rebuild("balances");
    }
    const { position } = await a.write(deposited(4));
    await whenProcessed(streams, "balances", position);
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 7 }]);
  });

  test("of a new version go on where their build was stopped", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(Array.from({ length: 100 }, () => deposited(1)));
    await using _ = await runProjections(streams, [balances(1)]);
    await whenProcessed(streams, "balances", 100);
    const seen: number[] = [];
    const next: Projection<Deposited> = {
      ...balances(2),
      project: async (events, context) => {
        seen.push(...events.map(({ position }) => position));
        await balances(2).project(events, context);
      },
    };
    const stopped = await runProjections(streams, [next], { batchSize: 10 });
    await expect.poll(() => stopped.status()[0]?.position).toBeGreaterThan(0);
    await stopped[Symbol.asyncDispose]();
    await using _again = await runProjections(streams, [next], { batchSize: 10 });
    await expect.poll(() => seen.length).toBe(100);
    expect(new Set(seen).size).toBe(100);
  });

  test("stop at an event that fails, with everything before it, say which, and go on once it can be projected", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write(Array.from({ length: 256 }, (_event, index) => deposited(index === 199 ? -1 : 1)));
    const statuses: ProjectionStatus[] = [];
    let isFixed = false;
    const repaired: Projection<Deposited> = {
      ...balances(1),
      project: (events, context) =>
        balances(1).project(isFixed ? events.filter(({ data }) => data.amount > 0) : events, context),
    };
    await using _ = await runProjections(streams, [repaired], { onStatus: (status) => statuses.push(status) });
    await expect.poll(() => statuses.at(-1)?.state, { timeout: 10_000 }).toBe("failed");
    expect(statuses.at(-1)).toMatchObject({
      position: 199,
      error: { position: 200, streamId: "a", type: "Deposited", message: "negative -1" },
    });
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 199 }]);
    isFixed = true;
    await whenProcessed(streams, "balances", 256);
    expect(statuses.at(-1)).toMatchObject({ state: "live" });
    expect(statuses.at(-1)).not.toHaveProperty("error");
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 255 }]);
  });

  test("tell from the beginning how far they are, and how far the store is", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([deposited(1), deposited(2)]);
    for (const position of [0, 2]) {
      const statuses: ProjectionStatus[] = [];
      await using _runner = await runProjections(streams, [balances(1)], {
        onStatus: (status) => statuses.push(status),
      });
      await whenProcessed(streams, "balances", 2);
      await expect.poll(() => statuses.at(-1)).toMatchObject({ state: "live", position: 2, head: 2 });
      expect(statuses[0]).toMatchObject({ position, head: 2 });
    }
  });

  test("park what fails where they are told to", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write([deposited(1), deposited(-1), deposited(2)]);
    await using runner = await runProjections(streams, [balances(1)], { onError: "park" });
    await whenProcessed(streams, "balances", 3);
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 3 }]);
    expect(runner.status()).toMatchObject([{ state: "live", parked: 1 }]);
  });

  test("are run by one, and taken over when it stops", async () => {
    await using streams = await open();
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
});

test.each(SQL_STORES)(
  "nothing of a runner goes on when a projection cannot be registered, over %s",
  async (_, open) => {
    await using streams = await open();
    const broken: Projection = { ...balances(1), name: "broken", tables: () => Promise.reject(new Error("no tables")) };
    await expect(runProjections(streams, [total, broken])).rejects.toThrow("no tables");
    expect(await dropProjection(streams, "totals")).toBe(true);
    expect(await dropProjection(streams, "broken")).toBe(false);
  },
);

test.each(SQL_STORES)("a statement that fails in tables says of which projection, over %s", async (_, open) => {
  await using streams = await open();
  const broken: Projection = {
    ...balances(2),
    name: "broken",
    tables: async ({ sql: db }) => void (await db.run(sql`CREATE TABEL x (id TEXT)`)),
  };
  await expect(runProjections(streams, [total, broken])).rejects.toMatchObject({
    name: "StorageError",
    code: "STORAGE_FAILED",
    cause: expect.any(Error),
    message: expect.stringMatching(/^Cannot start projection "broken", version 2: cannot run "CREATE TABEL/),
  });
});

test.each(SQL_STORES)(
  "a projection gets nothing to write events with, or to tell the time, over %s",
  async (_, open) => {
    await using streams = await open();
    await (await streams.openStream("a")).write(deposited(1));
    const contexts: ProjectionContext[] = [];
    const effects: Projection<Deposited> = {
      ...balances(),
      async project(_events, context) {
        contexts.push(context);
        // @ts-expect-error a projection has no effects
        void context.write;
      },
    };
    await using _runner = await runProjections(streams, [effects]);
    await whenProcessed(streams, "balances", 1);
    expect(contexts).toHaveLength(1);
    for (const context of contexts) {
      expect(["sql", "table", "records"].filter((call) => !(call in context))).toEqual([]);
      expect(["write", "writeAll", "transaction", "version", "now"].filter((call) => call in context)).toEqual([]);
    }
  },
);

test("documents need no SQL", async () => {
  await using streams = memoryStreamFactory();
  const a = await streams.openStream("a");
  await a.write([deposited(1), deposited(2)]);
  const runner = await runProjections(streams, [total]);
  const { position } = await a.write(deposited(3));
  await whenProcessed(streams, "totals", position);
  expect(await readDocument(streams, "totals", "all")).toBe(6);
  expect(await readDocument(streams, "totals", "none")).toBe(null);
  await runner.rebuild("totals");
  expect(await readDocument(streams, "totals", "all")).toBe(6);
  await runner[Symbol.asyncDispose]();
  // What is dropped leaves no documents that a later projection of that name would go on from.
  expect(await dropProjection(streams, "totals")).toBe(true);
  await using _again = await runProjections(streams, [total]);
  await whenProcessed(streams, "totals", position);
  expect(await readDocument(streams, "totals", "all")).toBe(6);
});

test.each(SQL_STORES)(
  "nothing is written for events that a projection does not want, until its checkpoint is due, over %s",
  async (_, open) => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    await using _runner = await runProjections(streams, [total]);
    await whenProcessed(streams, "totals", 1);
    const calls = countCalls(streams);
    // A checkpoint is due after a second, which does not pass.
    using _clock = stopClock();
    for (let batch = 0; batch < 100; batch += 1) {
      const others = Array.from({ length: 100 }, (_event, index) => ({
        type: `Other${batch * 100 + index}`,
        data: null,
      }));
      const { position } = await a.write(batch === 50 ? [...others, deposited(2)] : others);
      await whenProcessed(streams, "totals", position);
    }
    expect(calls.transact).toBeLessThanOrEqual(15);
    expect(await readDocument(streams, "totals", "all")).toBe(3);
  },
);
