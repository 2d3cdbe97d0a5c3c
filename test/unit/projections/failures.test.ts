import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { StorageError } from "../../../index.js";
import { LIVE_PROJECTIONS_SPACE, PROJECTIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import {
  type Projection,
  type ProjectionStatus,
  type ReadModelStore,
  runProjections,
  whenProcessed,
} from "../../../src/projections/index.js";
import { revoked } from "../../support/revoked.js";
import { stopClock } from "../../support/stopped-clock.js";
import { overwrite } from "../consumers/support/lease-records.js";
import { STORES } from "../consumers/support/stores.js";
import { type Deposited, deposited } from "./support/stores.js";

/** Notes the amounts of each batch, and fails at some. */
function amounts(batches: number[][], failsAt: ReadonlySet<number>): Projection<Deposited> {
  return {
    name: "amounts",
    types: ["Deposited"],
    async project(events) {
      const batch = events.map(({ data }) => data.amount);
      const wrong = batch.find((amount) => failsAt.has(amount));
      if (wrong !== undefined) throw new Error(`cannot take ${wrong}`);
      batches.push(batch);
    },
  };
}

describe.each(STORES)("a damaged record of a projection over %s", (_, open) => {
  test.each([
    [PROJECTIONS_SPACE, "amounts@1", { position: "1" }, "position"],
    [PROJECTIONS_SPACE, "amounts@1", { tables: null }, "tables"],
    [LIVE_PROJECTIONS_SPACE, "amounts", { generation: 0.5 }, "generation"],
  ])("of %s is named with its field where it is read", async (space, key, damage, field) => {
    await using streams = await open();
    const run = () => runProjections(streams, [amounts([], new Set())]);
    await (await run())[Symbol.asyncDispose]();
    await overwrite(streams, space, key, damage);
    const message = expect.stringMatching(`the record "${key}" of "${space}".*: its field ${field}`);
    const corrupt = { code: "STORAGE_CORRUPT", message };
    await expect(run()).rejects.toMatchObject(corrupt);
    await expect(whenProcessed(streams, "amounts", 1)).rejects.toMatchObject(corrupt);
  });
});

describe.each(STORES)("what a projection cannot take, over %s", (_, open) => {
  test("is parked with onError park, later events of its stream are not, and a rebuild tries it again", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write([1, 2, 3, 4, 5].map(deposited));
    const batches: number[][] = [];
    const failsAt = new Set([2, 4]);
    await using runner = await runProjections(streams, [amounts(batches, failsAt)], { onError: "park" });
    await whenProcessed(streams, "amounts", 5);
    expect(batches.flat()).toEqual([1, 3, 5]);
    expect(runner.status()).toMatchObject([{ state: "live", position: 5, parked: 2 }]);
    expect(runner.status()[0]).not.toHaveProperty("error");

    batches.length = 0;
    await runner.rebuild("amounts");
    expect(batches.flat()).toEqual([1, 3, 5]);
    expect(runner.status()).toMatchObject([{ parked: 2 }]);
    batches.length = 0;
    failsAt.delete(2);
    await runner.rebuild("amounts");
    expect(batches.flat()).toEqual([1, 2, 3, 5]);
    expect(runner.status()).toMatchObject([{ parked: 1 }]);
  });

  test.each([
    ["nothing", undefined, "undefined"],
    ["an object without a text", Object.create(null), expect.any(String)],
    ["an object that cannot be looked at", () => revoked(), expect.any(String)],
    ["an error whose message is no text", Object.assign(new Error("x"), { message: 5n }), "5"],
    ["an error with a character that texts of databases lack", new Error("a\0b\ud800"), expect.stringMatching(/^a/)],
  ])("may be thrown as %s, and says which event it is", async (_name, thrown, message) => {
    await using streams = await open();
    await (await streams.openStream("a")).write([1, 2].map(deposited));
    const batches: number[][] = [];
    const throwing: Projection<Deposited> = {
      ...amounts(batches, new Set()),
      async project(events) {
        if (events.some(({ data }) => data.amount === 1)) throw typeof thrown === "function" ? thrown() : thrown;
        batches.push(events.map(({ data }) => data.amount));
      },
    };
    {
      await using runner = await runProjections(streams, [throwing]);
      await expect
        .poll(() => runner.status()[0]?.error)
        .toEqual({ position: 1, streamId: "a", type: "Deposited", message });
    }
    await using runner = await runProjections(streams, [throwing], { onError: "park" });
    await whenProcessed(streams, "amounts", 2);
    expect(batches).toEqual([[2]]);
    expect(runner.status()).toMatchObject([{ state: "live", parked: 1 }]);
  });

  test("ends with the time of its lease, and says so", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(deposited(1));
    const endless = { ...amounts([], new Set()), project: () => new Promise<void>(() => undefined) };
    await using runner = await runProjections(streams, [endless], { leaseMs: 100 });
    await expect.poll(() => runner.status()[0]?.state).toBe("failed");
    expect(runner.status()[0]?.error?.message).toMatch(/100 ms/);
    expect(runner.status()[0]?.position).toBe(0);
  });

  test("is not an event during which the process was suspended; one that always takes too long is parked", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write([1, 2].map(deposited));
    const batches: number[][] = [];
    const noting = amounts(batches, new Set());
    let wasSuspended = false;
    const suspended: Projection<Deposited> = {
      ...noting,
      async project(events, context) {
        const isAlone = (amount: number) => events.length === 1 && events[0]?.data.amount === amount;
        if (isAlone(1) && wasSuspended) return noting.project(events, context);
        wasSuspended ||= isAlone(1);
        return new Promise(() => undefined);
      },
    };
    await using runner = await runProjections(streams, [suspended], { leaseMs: 100, onError: "park" });
    await whenProcessed(streams, "amounts", 2);
    expect(batches).toEqual([[1]]);
    await expect.poll(() => runner.status()).toMatchObject([{ state: "live", position: 2, parked: 1 }]);
  });
});

test("a store that fails is no event's fault: nothing is parked, and it is tried again after a second", async () => {
  await using streams = memoryStreamFactory();
  await using database = memoryStreamFactory();
  let isLocked = false;
  const store: ReadModelStore = {
    async transaction(work) {
      if (isLocked) throw new StorageError("STORAGE_LOCKED", "another program holds the lock");
      return database.transaction((tx) => work(tx));
    },
  };
  const batches: number[][] = [];
  const statuses: ProjectionStatus[] = [];
  using clock = stopClock();
  await using _runner = await runProjections(streams, [amounts(batches, new Set())], {
    store,
    onError: "park",
    leaseMs: 300,
    onStatus: (status) => statuses.push(status),
  });
  await whenProcessed(store, "amounts", 0);
  await expect.poll(() => statuses.at(-1)?.state).toBe("live");
  isLocked = true;
  await (await streams.openStream("a")).write([deposited(1), deposited(2)]);
  await expect.poll(() => statuses.at(-1)?.state).toBe("failed");
  const failure = { streamId: "@all", type: "", position: 0, message: "another program holds the lock" };
  expect(statuses.at(-1)).toMatchObject({ parked: 0, error: failure });

  isLocked = false;
  clock.advance(1_000);
  await whenProcessed(store, "amounts", 2);
  expect(batches).toEqual([[1, 2]]);
  expect(statuses.at(-1)).toMatchObject({ state: "live", parked: 0 });
});

test("an outage while there is nothing to project is over once the lease can be renewed", async () => {
  await using streams = memoryStreamFactory();
  await using database = memoryStreamFactory();
  let isOut = false;
  const store: ReadModelStore = {
    async transaction(work) {
      if (isOut) throw new StorageError("STORAGE_LOCKED", "another program holds the lock");
      return database.transaction((tx) => work(tx));
    },
  };
  const idle: Projection = { name: "idle", project: async () => undefined };
  await using runner = await runProjections(streams, [idle], { store, leaseMs: 300 });
  await expect.poll(() => runner.status()[0]?.state).toBe("live");
  isOut = true;
  await expect.poll(() => runner.status()[0]?.state, { timeout: 10_000 }).toBe("failed");
  isOut = false;
  await expect.poll(() => runner.status()[0]?.state, { timeout: 10_000 }).toBe("live");
  expect(runner.status()[0]?.error).toBe(undefined);
});

test("an event that fails is tried again after a second, and then after twice the time before, up to a minute", async () => {
  await using streams = memoryStreamFactory();
  await (await streams.openStream("a")).write(deposited(1));
  let attempts = 0;
  let renewals = 0;
  await using database = memoryStreamFactory();
  const store: ReadModelStore = {
    transaction: (work) => {
      renewals += 1;
      return database.transaction((tx) => work(tx));
    },
  };
  const failing: Projection = {
    name: "failing",
    project: async () => {
      attempts += 1;
      throw new Error("broken");
    },
  };
  using clock = stopClock();
  await using _runner = await runProjections(streams, [failing], { store, leaseMs: 120 });
  let before = 0;
  for (const seconds of [1, 2, 4, 8, 16, 32, 60, 60]) {
    await expect.poll(() => attempts, { interval: 5 }).toBeGreaterThan(before);
    before = attempts;
    // It looks at the clock again when it renews its lease, and goes on waiting.
    const renewed = renewals;
    clock.advance(seconds * 1_000 - 100);
    await expect.poll(() => renewals, { interval: 5 }).toBeGreaterThan(renewed);
    expect(attempts).toBe(before);
    clock.advance(100);
  }
  await expect.poll(() => attempts, { interval: 5 }).toBeGreaterThan(before);
});
