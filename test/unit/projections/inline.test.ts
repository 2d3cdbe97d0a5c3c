import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { type StoredEvent, sql } from "../../../index.js";
import {
  documents,
  type Projection,
  type ProjectionRunner,
  readDocument,
  runProjections,
  whenProcessed,
} from "../../../src/projections/index.js";
import { Gate } from "../../conformance/support/transactions.js";
import { SHARED_STORES } from "../administration/support/stores.js";
import { STORES } from "../consumers/support/stores.js";
import { balances, type Deposited, deposited, SQL_STORES } from "./support/stores.js";

const INLINE = { mode: "inline" } as const;

/** A hundred of them take half a second. */
const SLOW_EVENT_MS = 5;

/** One that projects nothing behind a position. */
function failingBehind(position: number, projection: Projection<Deposited>): Projection<Deposited> {
  return {
    ...projection,
    async project(events, context) {
      if (events.some((event) => event.position > position)) throw new Error("broken");
      await projection.project(events, context);
    },
  };
}

/** Does something again and again until a rebuild has ended. */
async function whileRebuilding(runner: ProjectionRunner, work: () => Promise<void>): Promise<void> {
  let hasEnded = false;
  const rebuilding = runner.rebuild("balances");
  const end = (): void => {
    hasEnded = true;
  };
  // It may also reject while nobody awaits it, or because the work has failed.
  rebuilding.then(end, end);
  while (!hasEnded) await work();
  await rebuilding;
}

describe.each(SQL_STORES)("an inline projection over %s", (_, open) => {
  test("has each write as soon as it is acknowledged, whichever call it is", async () => {
    await using streams = await open();
    await using _runner = await runProjections(streams, [balances()], INLINE);
    const balance = async () =>
      (await streams.query<{ balance: number }>(sql`SELECT balance FROM balances`))[0]?.balance;
    const a = await streams.openStream("a");
    await a.write([deposited(1), { type: "Other", data: null }]);
    expect(await balance()).toBe(1);
    await streams.writeAll([
      { streamId: "a", events: deposited(2) },
      { streamId: "b", events: { type: "Other", data: null } },
    ]);
    expect(await balance()).toBe(3);
    await streams.transaction(async (tx) => {
      await tx.write("a", deposited(4));
      await tx.write("b", { type: "Other", data: null });
    });
    expect(await balance()).toBe(7);
    await a.write({ type: "Other", data: null });
  });

  test("is built again while its process never stops to write", async () => {
    await using streams = await open();
    await using runner = await runProjections(streams, [balances()], INLINE);
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    await whileRebuilding(runner, async () => {
      const { version } = await a.write(deposited(1));
      expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: version }]);
    });
    const { version } = await a.write(deposited(1));
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: version }]);
  });

  test("holds up no write for what a version lacks that is not shown yet", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await using _first = await runProjections(streams, [balances()], INLINE);
    await a.write(Array.from({ length: 300 }, () => deposited(1)));
    const later = balances(2, 10);
    let isBroken = true;
    const broken: Projection<Deposited> = {
      ...later,
      project: (events, context) => (isBroken ? Promise.reject(new Error("broken")) : later.project(events, context)),
    };
    await using second = await runProjections(streams, [broken], INLINE);
    await expect.poll(() => second.status()[0]?.state).toBe("failed");
    await a.write(deposited(1));
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 301 }]);
    isBroken = false;
    await expect.poll(() => second.status()[0]?.state).toBe("live");
    await a.write(deposited(1));
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 3_020 }]);
  });

  test("takes what a version lacks that is not shown yet with a write, where its events are fast", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await using _first = await runProjections(streams, [balances()], INLINE);
    await a.write(Array.from({ length: 1_500 }, () => deposited(1)));
    const later = balances(2, 10);
    const fast: Projection<Deposited> = {
      ...later,
      async project(events, context) {
        const amount = events.reduce((sum, { data }) => sum + data.amount, 0);
        await later.project([{ ...events[0], data: { amount } } as StoredEvent<Deposited>], context);
      },
    };
    await using second = await runProjections(streams, [failingBehind(1_000, fast)], { ...INLINE, batchSize: 500 });
    await expect.poll(() => second.status()[0]).toMatchObject({ state: "failed", position: 1_000 });
    await expect(a.write(deposited(1))).rejects.toThrow("broken");
    expect(a.version).toBe(1_500);
  });

  test("holds up no write for what a version lacks that is not shown yet, where its events are slow", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await using _first = await runProjections(streams, [balances()], INLINE);
    await a.write(Array.from({ length: 200 }, () => deposited(1)));
    const later = balances(2, 10);
    const slow: Projection<Deposited> = {
      ...later,
      async project(events, context) {
        await delay(SLOW_EVENT_MS * events.length);
        await later.project(events, context);
      },
    };
    await using second = await runProjections(streams, [failingBehind(20, slow)], { ...INLINE, batchSize: 10 });
    await expect.poll(() => second.status()[0]).toMatchObject({ state: "failed", position: 20 });
    await a.write(deposited(1));
    expect(await streams.query(sql`SELECT balance FROM balances`)).toEqual([{ balance: 201 }]);
  });

  test("fails the write that it cannot project, and that one alone", async () => {
    await using streams = await open();
    await using _runner = await runProjections(streams, [balances()], INLINE);
    const writes = Array.from({ length: 64 }, async (_write, index) =>
      (await streams.openStream(`s-${index}`)).write(deposited(index === 40 ? -1 : 1)),
    );
    const outcomes = await Promise.allSettled(writes);
    expect(outcomes.filter(({ status }) => status === "rejected")).toMatchObject([
      { reason: { message: "negative -1" } },
    ]);
    expect((await streams.openStream("s-40")).version).toBe(0);
    expect(await streams.query(sql`SELECT count(*) AS n, sum(balance) AS total FROM balances`)).toEqual([
      { n: 63, total: 63 },
    ]);
    await expect(
      streams.transaction(async (tx) => {
        await tx.write("s-1", deposited(5));
        await tx.write("s-2", deposited(-5));
      }),
    ).rejects.toThrow("negative -5");
    expect((await streams.openStream("s-1")).version).toBe(1);
  });

  test("fails the write with a statement that it did not wait for", async () => {
    await using streams = await open();
    const careless: Projection<Deposited> = {
      ...balances(),
      project: async (_, { sql: db }) => void db.run(sql`INSERT INTO nowhere VALUES (1)`).catch(() => undefined),
    };
    await using _runner = await runProjections(streams, [careless], INLINE);
    const a = await streams.openStream("a");
    await expect(a.write(deposited(1))).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    const writing = streams.transaction((tx) => tx.write("a", deposited(1)));
    await expect(writing).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    expect((await streams.openStream("a")).version).toBe(0);
  });

  test("that takes too long ends with the transaction, and holds nobody up", async () => {
    await using streams = await open();
    const endless: Projection<Deposited> = { ...balances(), project: () => new Promise(() => undefined) };
    {
      await using _runner = await runProjections(streams, [endless], INLINE);
      const writing = streams.transaction((tx) => tx.write("a", deposited(1)), { timeoutMs: 20 });
      await expect(writing).rejects.toMatchObject({ code: "TRANSACTION_TIMEOUT" });
    }
    expect((await (await streams.openStream("a")).write(deposited(1))).version).toBe(1);
  });

  test("that takes longer than its lease ends each call that stores events, and holds nobody up", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    await a.write({ type: "Other", data: null });
    const late: Promise<unknown>[] = [];
    const held = new Gate();
    const endless: Projection<Deposited> = {
      ...balances(),
      types: ["Deposited", "@deleted"] as never,
      async project(_events, { sql: db }) {
        await held.opened;
        late.push(db.run(sql`DELETE FROM balances__1`));
      },
    };
    {
      await using _runner = await runProjections(streams, [endless], { ...INLINE, leaseMs: 50 });
      const timeout = { code: "TRANSACTION_TIMEOUT", message: expect.stringContaining("leaseMs (50 ms)") };
      await expect(a.write(deposited(1))).rejects.toMatchObject(timeout);
      await expect(streams.writeAll([{ streamId: "a", events: deposited(1) }])).rejects.toMatchObject(timeout);
      await expect(streams.deleteStream("a", { force: true })).rejects.toMatchObject(timeout);
      held.open();
      await expect.poll(() => late.length).toBeGreaterThan(2);
      for (const call of late.slice(0, 3)) await expect(call).rejects.toMatchObject({ code: "TRANSACTION_MISUSE" });
    }
    expect((await a.write(deposited(1))).version).toBe(2);
  });

  test("has each write at once also while it is rebuilt, and what is written meanwhile is in the new tables", async () => {
    await using streams = await open();
    await using runner = await runProjections(streams, [balances()], { ...INLINE, batchSize: 5 });
    const balance = async () =>
      (await streams.query<{ balance: number }>(sql`SELECT balance FROM balances`))[0]?.balance;
    const a = await streams.openStream("a");
    let total = 100;
    await a.write(Array.from({ length: total }, () => deposited(1)));
    await whileRebuilding(runner, async () => {
      await a.write(deposited(1));
      total += 1;
      expect(await balance()).toBe(total);
    });
    expect(total).toBeGreaterThan(100);
    await a.write(deposited(1));
    expect(await balance()).toBe(total + 1);
  });

  test("of documents has them in the transaction, and a deletion too", async () => {
    await using streams = await open();
    const counts = documents<number, { type: string; data: unknown }>({
      name: "counts",
      types: ["Deposited", "@deleted"],
      evolve: (count) => (count ?? 0) + 1,
    });
    await using _runner = await runProjections(streams, [counts], INLINE);
    await (await streams.openStream("a")).write([deposited(1), deposited(2)]);
    expect(await readDocument(streams, "counts", "a")).toBe(2);
    await streams.deleteStream("a");
    expect(await readDocument(streams, "counts", "a")).toBe(null);
  });
});

const BATCH = 1_000;

/** What is missed is counted above the adapters, and a server takes long to store so many events. */
const QUICK_STORES = STORES.filter(([name]) => name !== "PostgreSQL");

describe.each(QUICK_STORES)("an inline projection that has missed events, over %s", (_, open) => {
  test("takes up to 10,000 of them with a write, and more than those are left to the runner", async () => {
    await using streams = await open();
    const a = await streams.openStream("a");
    const counts: Projection<Deposited> = documents<number, Deposited>({
      name: "counts",
      types: ["Deposited"],
      evolve: (count) => {
        if (isBroken) throw new Error("broken");
        return (count ?? 0) + 1;
      },
    });
    let isBroken = true;
    const writeBatches = async (count: number) => {
      for (let batch = 0; batch < count; batch += 1) await a.write(Array.from({ length: BATCH }, () => deposited(1)));
    };
    await writeBatches(9);
    {
      await using runner = await runProjections(streams, [counts], INLINE);
      await expect.poll(() => runner.status()[0]?.state).toBe("failed");
      // The write is refused, since it would have to take what comes before.
      await expect(a.write(deposited(1))).rejects.toThrow("broken");
    }
    await writeBatches(2);
    await using runner = await runProjections(streams, [counts], INLINE);
    await expect.poll(() => runner.status()[0]?.state).toBe("failed");
    await a.write(deposited(1));
    expect(await readDocument(streams, "counts", "a")).toBe(null);

    isBroken = false;
    await runner[Symbol.asyncDispose]();
    await using _again = await runProjections(streams, [counts], INLINE);
    await whenProcessed(streams, "counts", 11 * BATCH + 1);
    expect(await readDocument(streams, "counts", "a")).toBe(11 * BATCH + 1);
    await a.write(deposited(1));
    expect(await readDocument(streams, "counts", "a")).toBe(11 * BATCH + 2);
  });
});

describe.each(SHARED_STORES)("an inline projection beside other processes, over %s", (_, makeStore) => {
  test("takes first what they have written, which do not know it, in order", async () => {
    await using store = await makeStore();
    await using streams = await store.open();
    await using other = await store.open();
    const order: number[] = [];
    const noting: Projection<Deposited> = {
      ...balances(),
      async project(events, context) {
        order.push(...events.map(({ position }) => position));
        await balances().project(events, context);
      },
    };
    await using _runner = await runProjections(streams, [noting], INLINE);
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    await (await other.openStream("b")).write([deposited(10), deposited(20)]);
    await a.write(deposited(2));
    expect(await streams.query(sql`SELECT * FROM balances ORDER BY id`)).toEqual([
      { id: "a", balance: 3 },
      { id: "b", balance: 30 },
    ]);
    // What a transaction that was undone has projected is projected again.
    expect([...new Set(order)]).toEqual([1, 2, 3, 4]);
    expect((await streams.verify()).problems).toEqual([]);
  });
});
