import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { sql } from "../../../index.js";
import {
  type Projection,
  type ProjectionContext,
  runProjections,
  sqliteReadModels,
  whenProcessed,
} from "../../../projections.js";
import { viewOf } from "../../../src/view/store-view.js";
import { Gate } from "../../conformance/support/transactions.js";
import type { Store } from "../consumers/support/stores.js";
import { balances, type Deposited, deposited, FILE_STORES } from "./support/stores.js";

/** A later version that notes its batches, and what readers see when it gets them. It cannot take some amounts. */
function noting(batches: number[][], seen: unknown[], isPoison: (amount: number) => boolean = () => false) {
  const later = balances(2);
  return {
    ...later,
    async project(events, context) {
      const amounts = events.map(({ data }) => data.amount);
      const wrong = amounts.find(isPoison);
      if (wrong !== undefined) throw new Error(`cannot take ${wrong}`);
      batches.push(amounts);
      seen.push(...(await context.sql.all(sql`SELECT balance FROM balances`)));
      await later.project(events, context);
    },
  } satisfies Projection<Deposited>;
}

/** A store whose readers get ten times each amount, and get the first events only once they may. */
function heldUp(streams: Store) {
  const hasRead = new Gate();
  const mayGoOn = new Gate();
  const view = viewOf(streams, {
    async afterRead(events) {
      hasRead.open();
      await mayGoOn.opened;
      const amountOf = ({ data }: (typeof events)[number]) => (data as Deposited["data"]).amount;
      return { events: events.map((event) => ({ ...event, data: { amount: amountOf(event) * 10 } })) };
    },
  });
  return { view, hasRead, mayGoOn };
}

const IN_MEMORY: (typeof FILE_STORES)[number] = ["SQLite in memory", () => sqliteStreamFactory(":memory:")];

const shown = (streams: Pick<Store, "query">) => streams.query(sql`SELECT balance FROM balances`);

describe.each([IN_MEMORY, ...FILE_STORES])("a version that is overtaken over %s", (_, open) => {
  test("is shown although the one before goes on without a pause, and readers never see less", async () => {
    await using streams = await open();
    await using _first = await runProjections(streams, [balances()], { mode: "inline" });
    const sums: number[] = [];
    let isWriting = true;
    const write = async (id: string) => {
      const stream = await streams.openStream(id);
      while (isWriting) await stream.write(deposited(1));
    };
    const look = async () => {
      while (isWriting) {
        const [row] = await streams.query<{ sum: number }>(sql`SELECT coalesce(sum(balance), 0) AS sum FROM balances`);
        sums.push(row?.sum ?? -1);
      }
    };
    const working = Promise.all([write("a"), write("b"), write("c"), look()]);
    try {
      await using second = await runProjections(streams, [balances(2)]);
      await expect.poll(() => second.status()[0]?.state).toBe("live");
      const atSwap = sums.length;
      await expect.poll(() => sums.length).toBeGreaterThan(atSwap + 10);
    } finally {
      isWriting = false;
      await working;
    }
    expect(sums).toEqual([...sums].sort((a, b) => a - b));
  });

  test("is shown although it is slower than all who write without a pause", async () => {
    await using streams = await open();
    await using _first = await runProjections(streams, [balances()], { mode: "inline" });
    await (await streams.openStream("before")).write(Array.from({ length: 300 }, () => deposited(1)));
    const later = balances(2);
    const slow: Projection<Deposited> = {
      ...later,
      async project(events, context) {
        for (const event of events) {
          const untilMs = performance.now() + 2;
          while (performance.now() < untilMs);
          await later.project([event], context);
        }
      },
    };
    let isWriting = true;
    const write = async (id: string) => {
      const stream = await streams.openStream(id);
      while (isWriting) await stream.write(deposited(1));
    };
    const writing = Promise.all(["a", "b", "c", "d", "e", "f"].map(write));
    try {
      await using second = await runProjections(streams, [slow]);
      await expect.poll(() => second.status()[0]?.state, { timeout: 20_000 }).toBe("live");
    } finally {
      isWriting = false;
      await writing;
    }
    const written = async (id: string) => ({ id, balance: (await streams.openStream(id)).version });
    const all = await Promise.all(["a", "b", "before", "c", "d", "e", "f"].map(written));
    await using _second = await runProjections(streams, [slow]);
    await whenProcessed(streams, "balances", (await streams.openStream("@all")).version);
    expect(await streams.query(sql`SELECT id, balance FROM balances ORDER BY id`)).toEqual(all);
  });

  test.each([
    [5, 2],
    [2_100, 700],
  ])("takes %i events that it lacks as it takes all others, before it is shown", async (count, batchSize) => {
    await using streams = await open();
    const { view, hasRead, mayGoOn } = heldUp(streams);
    await (await streams.openStream("a")).write(deposited(1));
    await using _first = await runProjections(streams, [balances()], { mode: "inline" });
    await whenProcessed(streams, "balances", 1);
    const batches: number[][] = [];
    const seen: unknown[] = [];
    // Also where the tables are said to be in the store itself.
    const options = { batchSize, store: streams };
    await using second = await runProjections(view, [noting(batches, seen)], options);
    await hasRead.opened;
    const lacking = Array.from({ length: count }, () => deposited(1));
    const { position } = await (await streams.openStream("a")).write(lacking);
    mayGoOn.open();
    await expect.poll(() => second.status()).toMatchObject([{ state: "live", position, head: position }]);
    expect(batches.flat()).toEqual(Array.from({ length: count + 1 }, () => 10));
    expect(Math.max(...batches.map(({ length }) => length))).toBe(batchSize);
    expect(seen).toEqual(batches.map(() => ({ balance: count + 1 })));
    expect(await shown(streams)).toEqual([{ balance: (count + 1) * 10 }]);
  });

  test("takes no more of them at once than 64 batches, for which all who write wait", async () => {
    await using streams = await open();
    const { view, hasRead, mayGoOn } = heldUp(streams);
    const a = await streams.openStream("a");
    await a.write(deposited(1));
    await using _first = await runProjections(streams, [balances()], { mode: "inline" });
    await whenProcessed(streams, "balances", 1);
    const later = balances(2);
    const taken = new Map<ProjectionContext, number>();
    const counting: Projection<Deposited> = {
      ...later,
      project(events, context) {
        taken.set(context, (taken.get(context) ?? 0) + events.length);
        return later.project(events, context);
      },
    };
    await using second = await runProjections(view, [counting], { batchSize: 2 });
    await hasRead.opened;
    const { position } = await a.write(Array.from({ length: 300 }, () => deposited(1)));
    mayGoOn.open();
    await expect.poll(() => second.status()).toMatchObject([{ state: "live", position }]);
    expect(Math.max(...taken.values())).toBe(1 + 64 * 2);
    expect(await shown(streams)).toEqual([{ balance: 3_010 }]);
  });

  test.each(["stop", "park"] as const)(
    "names which of the events that it lacks it cannot take: %s",
    async (onError) => {
      await using streams = await open();
      const { view, hasRead, mayGoOn } = heldUp(streams);
      const a = await streams.openStream("a");
      await a.write(deposited(1));
      await using _first = await runProjections(streams, [balances()], { mode: "inline" });
      await whenProcessed(streams, "balances", 1);
      let isBroken = true;
      const failing = noting([], [], (amount) => isBroken && amount === 30);
      await using second = await runProjections(view, [failing], { onError });
      await hasRead.opened;
      const { position } = await a.write([deposited(2), deposited(3), deposited(4)]);
      mayGoOn.open();
      if (onError === "park") {
        await expect.poll(() => second.status()).toMatchObject([{ state: "live", parked: 1, position }]);
        expect(await shown(streams)).toEqual([{ balance: 70 }]);
        return;
      }
      await expect.poll(() => second.status()[0]?.state).toBe("failed");
      const error = { position: position - 1, streamId: "a", type: "Deposited", message: "cannot take 30" };
      expect(second.status()).toMatchObject([{ position: position - 2, error }]);
      expect(await shown(streams)).toEqual([{ balance: 10 }]);
      expect(await streams.query(sql`SELECT balance FROM balances__2`)).toEqual([{ balance: 30 }]);
      isBroken = false;
      await expect.poll(() => second.status()).toMatchObject([{ state: "live", position }]);
      expect(await shown(streams)).toEqual([{ balance: 100 }]);
    },
  );
});

test("a version that is overtaken in a read model elsewhere takes what it lacks of the event store", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  await using models = await sqliteReadModels(":memory:");
  const { view, hasRead, mayGoOn } = heldUp(streams);
  const a = await streams.openStream("a");
  await a.write(deposited(1));
  await using _first = await runProjections(streams, [balances()], { store: models });
  await whenProcessed(models, "balances", 1);
  const batches: number[][] = [];
  const seen: unknown[] = [];
  await using second = await runProjections(view, [noting(batches, seen)], { store: models });
  await hasRead.opened;
  const { position } = await a.write([deposited(2), deposited(3)]);
  await whenProcessed(models, "balances", position);
  mayGoOn.open();
  await expect.poll(() => second.status()).toMatchObject([{ state: "live", position, head: position }]);
  expect(batches).toEqual([[10], [20, 30]]);
  expect(seen).toEqual([{ balance: 6 }, { balance: 6 }]);
  expect(await shown(models)).toEqual([{ balance: 60 }]);
});
