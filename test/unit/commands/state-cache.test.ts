import { describe, expect, onTestFinished, test, vi } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { type Fold, handle, loadState, stateCache } from "../../../src/commands/index.js";
import { FIRST_PAGE_EVENTS } from "../../../src/limits.js";
import { openExposedStore } from "../../support/exposed-store.js";
import { type Account, type AccountEvent, account, deposited, withdraw } from "./support/account.js";
import { countingStore } from "./support/counting-store.js";

const IDS = Array.from({ length: 32 }, (_, index) => `s-${index}`);

describe("what a command costs", () => {
  test("on a warm cache: a read of the end of the stream, and the write", async () => {
    const { streams, counted } = countingStore();
    const cache = stateCache();
    await handle(streams, account, "a", () => deposited(1), { cache });
    const costs = await counted(() => handle(streams, account, "a", () => deposited(1), { cache }));
    expect(costs).toEqual({ getVersion: 0, readPage: 1, events: 1, loadSnapshot: 0, append: 1 });
  });

  test("on a new stream: its version, a read, and the write", async () => {
    const { streams, counted } = countingStore();
    const costs = await counted(() => handle(streams, account, "a", () => deposited(1)));
    expect(costs).toEqual({ getVersion: 1, readPage: 1, events: 0, loadSnapshot: 0, append: 1 });
  });

  test("with an id: one look-up more", async () => {
    const { streams, counted } = countingStore();
    const costs = await counted(() => handle(streams, account, "a", () => deposited(1), { commandId: "c" }));
    expect(costs).toEqual({ getVersion: 1, readPage: 2, events: 0, loadSnapshot: 0, append: 1 });
  });

  test("without a cache, on a long stream with snapshots: one snapshot and the events after it", async () => {
    const { streams, counted } = countingStore();
    const fold: Fold<Account, AccountEvent> = { ...account, snapshot: { every: 500 } };
    const stream = await streams.openStream("a");
    await stream.write(Array.from({ length: 9_750 }, () => deposited(1)));
    await loadState(streams, fold, "a");
    await expect.poll(() => stream.loadSnapshot({ projection: "account@1" })).not.toBeNull();
    await stream.write(Array.from({ length: 250 }, () => deposited(1)));
    const costs = await counted(() => loadState(streams, fold, "a"));
    expect(costs).toMatchObject({ loadSnapshot: 1, events: 250 });
  });

  test.each([
    ["with a cache", { cache: stateCache() }],
    ["without a cache", {}],
  ])("after a conflict: a read of what is new, %s", async (_, options) => {
    const { streams, counted, queries } = countingStore();
    const stream = await streams.openStream("a");
    await stream.write(Array.from({ length: 1_000 }, () => deposited(1)));
    await loadState(streams, account, "a", options);
    const decidedOn: number[] = [];
    const decide = async ({ balance }: Account) => {
      decidedOn.push(balance);
      if (decidedOn.length === 1) {
        await stream.write(deposited(1));
        queries.length = 0;
      }
      return deposited(1);
    };
    const { getVersion, loadSnapshot } = await counted(() => handle(streams, account, "a", decide, options));
    expect(decidedOn).toEqual([1_000, 1_001]);
    expect({ getVersion, loadSnapshot }).toEqual({ getVersion: "cache" in options ? 0 : 1, loadSnapshot: 0 });
    // The last event that is known, and those behind it.
    expect(queries.map(({ streamId, after }) => [streamId, after])).toEqual([["a", 999]]);
  });

  test("many at once on a warm cache: one read of the end of the store for all", async () => {
    const { streams, counted, queries } = countingStore();
    const cache = stateCache();
    const all = () => Promise.all(IDS.map((id) => handle(streams, account, id, () => deposited(1), { cache })));
    for (let round = 0; round < 4; round += 1) await all();
    // The last event that is known, and not what the commands have stored themselves.
    expect(await counted(all)).toMatchObject({ getVersion: 0, append: 32, readPage: 1, events: 1 });
    // Callers that go on at different times in one turn of the event loop, too.
    const next = () =>
      Promise.all(
        IDS.map(async (id, steps) => {
          for (let step = 0; step < steps; step += 1) await undefined;
          await handle(streams, account, id, () => deposited(1), { cache });
        }),
      );
    expect(await counted(next)).toMatchObject({ append: 32, readPage: 1, events: 1 });
    expect(new Set(queries.map(({ streamId }) => streamId))).toEqual(new Set(["@all"]));
  });
});

describe("loads that share a read of the end of the store", () => {
  test("are as new as the call", async () => {
    const { streams, setBeforeRead } = countingStore();
    const cache = stateCache();
    const writer = await streams.openStream("s-0");
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(IDS.map((id) => handle(streams, account, id, () => deposited(1), { cache })));
    }
    // A read has begun when another event is stored and another load begins.
    let hold = Promise.resolve();
    setBeforeRead(async () => hold);
    let release: () => void = () => undefined;
    hold = new Promise((resolve) => {
      release = resolve;
    });
    const early = Promise.all(IDS.map((id) => loadState(streams, account, id, { cache })));
    await writer.write(deposited(100));
    const late = loadState(streams, account, "s-0", { cache });
    release();
    await early;
    expect((await late).state.balance).toBe(104);
  });

  test("read their own streams where others have stored much, or the read fails", async () => {
    const { streams, setBeforeRead } = countingStore();
    const cache = stateCache();
    const balances = async () => {
      const loads = await Promise.all(IDS.map((id) => loadState(streams, account, id, { cache })));
      return new Set(loads.map(({ state }) => state.balance));
    };
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(IDS.map((id) => handle(streams, account, id, () => deposited(1), { cache })));
    }
    await (await streams.openStream("other")).write(Array.from({ length: 3_000 }, () => deposited(1)));
    await Promise.all(IDS.map(async (id) => (await streams.openStream(id)).write(deposited(1))));
    expect(await balances()).toEqual(new Set([5]));
    for (let round = 0; round < 4; round += 1) expect(await balances()).toEqual(new Set([5]));

    await Promise.all(IDS.map(async (id) => (await streams.openStream(id)).write(deposited(1))));
    setBeforeRead(async ({ streamId }) => {
      if (streamId === "@all") throw new Error("not now");
    });
    expect(await balances()).toEqual(new Set([6]));
    expect(await balances()).toEqual(new Set([6]));
  });

  test("have what commands have stored with other folds, and other writers between them", async () => {
    const { streams } = countingStore();
    const cache = stateCache();
    const other = { ...account, name: "other" };
    const writer = await streams.openStream("s-0");
    for (let round = 1; round <= 6; round += 1) {
      await writer.write(deposited(100));
      const commands = IDS.map((id) => handle(streams, account, id, () => deposited(1), { cache }));
      await Promise.all([...commands, writer.write(deposited(1_000))]);
      for (const fold of [account, other]) {
        const loads = await Promise.all(IDS.map((id) => loadState(streams, fold, id, { cache })));
        const balances = loads.map(({ state }) => state.balance);
        expect(balances).toEqual(IDS.map((id) => (id === "s-0" ? round * 1_101 : round)));
      }
    }
  });

  test("go on with it where others have stored much once, after one read of each stream", async () => {
    const { streams, counted, queries } = countingStore();
    const cache = stateCache();
    const all = () => Promise.all(IDS.map((id) => handle(streams, account, id, () => deposited(1), { cache })));
    for (let round = 0; round < 8; round += 1) await all();
    await (await streams.openStream("other")).write(Array.from({ length: 3_000 }, () => deposited(1)));
    await counted(async () => {
      for (let round = 0; round < 4; round += 1) await all();
    });
    const own = queries.map(({ streamId }) => streamId).filter((streamId) => streamId !== "@all");
    expect(own.sort()).toEqual([...IDS].sort());
  });

  test("see at its first page that others have stored too much", async () => {
    const { streams, counted } = countingStore();
    const cache = stateCache();
    const all = () => Promise.all(IDS.map((id) => handle(streams, account, id, () => deposited(1), { cache })));
    for (let round = 0; round < 8; round += 1) await all();
    await (await streams.openStream("other")).write(Array.from({ length: 3_000 }, () => deposited(1)));
    // The page, where the store ends, and the last event of each stream.
    const { events } = await counted(all);
    expect(events).toBe(FIRST_PAGE_EVENTS + 1 + IDS.length);
  });

  test("wait for a commit of commands that is under way, and share a read and a commit with their callers", async () => {
    const { streams, counted, setBeforeAppend } = countingStore();
    const cache = stateCache();
    const [first, second] = [IDS.slice(0, 16), IDS.slice(16)];
    const all = (ids: readonly string[]) =>
      Promise.all(ids.map((id) => handle(streams, account, id, () => deposited(1), { cache })));
    for (let round = 0; round < 4; round += 1) await all(IDS);
    let release: () => void = () => undefined;
    const isAppending = new Promise<void>((resolveAppending) => {
      const hold = new Promise<void>((resolve) => {
        release = resolve;
      });
      setBeforeAppend(() => {
        resolveAppending();
        return hold;
      });
    });
    // So that no wait ends early on a slow machine.
    vi.useFakeTimers({ toFake: ["setTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const costs = await counted(async () => {
      const early = all(first).then(() => all(first));
      await isAppending;
      setBeforeAppend(async () => undefined);
      const late = all(second);
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      release();
      await Promise.all([early, late]);
    });
    expect(costs).toMatchObject({ readPage: 2, append: 48 });
  });

  test("do not wait for a commit that takes long", async () => {
    const { streams, setBeforeAppend } = countingStore();
    const cache = stateCache();
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(IDS.map((id) => handle(streams, account, id, () => deposited(1), { cache })));
    }
    let release: () => void = () => undefined;
    const hold = new Promise<void>((resolve) => {
      release = resolve;
    });
    setBeforeAppend(() => hold);
    const stuck = handle(streams, account, "s-0", () => deposited(1), { cache });
    const loads = await Promise.all(IDS.map((id) => loadState(streams, account, id, { cache })));
    expect(new Set(loads.map(({ state }) => state.balance))).toEqual(new Set([4]));
    release();
    expect(await stuck).toMatchObject({ state: { balance: 5 } });
  });

  test("a load that was under way when an event passed is not taken for newer than it is", async () => {
    const { streams, setBeforeRead } = countingStore();
    const cache = stateCache();
    for (let round = 0; round < 4; round += 1) {
      await Promise.all(IDS.map((id) => handle(streams, account, id, () => deposited(1), { cache })));
    }
    const slow = await streams.openStream("slow");
    await slow.write(deposited(1));
    // Its page is read, and held back until the others have read the end of the store.
    let release: () => void = () => undefined;
    const hold = new Promise<void>((resolve) => {
      release = resolve;
    });
    setBeforeRead(async ({ streamId }) => (streamId === "slow" ? hold : undefined));
    const loading = loadState(streams, account, "slow", { cache, atVersion: undefined });
    await slow.write(deposited(1));
    await Promise.all(IDS.map((id) => loadState(streams, account, id, { cache })));
    release();
    await loading;
    setBeforeRead(async () => undefined);
    await Promise.all([...IDS, "slow"].map((id) => loadState(streams, account, id, { cache })));
    expect((await loadState(streams, account, "slow", { cache })).state.balance).toBe(2);
  });
});

describe("stateCache", () => {
  test("keeps so many states, those used last", async () => {
    const { streams, counted } = countingStore();
    const cache = stateCache({ maxEntries: 2 });
    for (const id of ["a", "b", "c"]) await handle(streams, account, id, () => deposited(1), { cache });
    await loadState(streams, account, "b", { cache });
    await handle(streams, account, "d", () => deposited(1), { cache });
    const isKept = async (id: string) =>
      (await counted(() => loadState(streams, account, id, { cache }))).getVersion === 0;
    expect([await isKept("b"), await isKept("d"), await isKept("c")]).toEqual([true, true, false]);
  });

  test("keeps 1,000 states unless it is told otherwise", async () => {
    const { streams, counted } = countingStore();
    const cache = stateCache();
    const load = (number: number) => loadState(streams, account, `s-${number}`, { cache });
    for (let number = 0; number <= 1_000; number += 1) await load(number);
    const isKept = async (number: number) => (await counted(() => load(number))).getVersion === 0;
    // The newest, the oldest that is still there, and the one that had to go.
    expect([await isKept(1_000), await isKept(1), await isKept(0)]).toEqual([true, true, false]);
  });

  test("forgets one stream, or all, and nothing that is being loaded comes back", async () => {
    const { streams, counted, setBeforeRead } = countingStore();
    const cache = stateCache();
    const isKept = async (id: string) =>
      (await counted(() => loadState(streams, account, id, { cache }))).getVersion === 0;
    for (const id of ["a", "b"]) await handle(streams, account, id, () => deposited(1), { cache });
    cache.clear("a");
    expect([await isKept("a"), await isKept("b")]).toEqual([false, true]);
    cache.clear();
    expect([await isKept("a"), await isKept("b")]).toEqual([false, false]);
    const clearAndDeposit = () => {
      cache.clear();
      return deposited(1);
    };
    setBeforeRead(async () => cache.clear("a"));
    await loadState(streams, account, "c", { cache });
    setBeforeRead(async () => undefined);
    expect(await isKept("c")).toBe(false);
    await handle(streams, account, "d", clearAndDeposit, { cache });
    expect(await isKept("d")).toBe(false);
  });

  test("serves several stores, and keeps their states apart", async () => {
    const [first, second] = [countingStore().streams, countingStore().streams];
    const cache = stateCache();
    await handle(first, account, "a", () => deposited(1), { cache });
    await handle(second, account, "a", () => deposited(2), { cache });
    expect((await loadState(first, account, "a", { cache })).state.balance).toBe(1);
    expect((await loadState(second, account, "a", { cache })).state.balance).toBe(2);
  });

  test("a disposed store is an error, cached or not", async () => {
    const { streams } = countingStore();
    const cache = stateCache();
    await handle(streams, account, "a", () => deposited(1), { cache });
    await streams[Symbol.asyncDispose]();
    await expect(handle(streams, account, "a", withdraw(1), { cache })).rejects.toMatchObject({
      code: "STREAM_CLOSED",
    });
    await expect(handle(streams, account, "b", withdraw(1), { cache })).rejects.toMatchObject({
      code: "STREAM_CLOSED",
    });
  });
});

test("over a store of another thread commands work, and read back what they have written", async () => {
  await using streams = await openExposedStore(memoryStreamFactory());
  const cache = stateCache();
  const first = await handle(streams, account, "a", () => deposited(1), { commandId: "c", cache });
  const again = await handle(streams, account, "a", () => deposited(1), { commandId: "c", cache });
  expect(again).toEqual({ ...first, written: 0 });
  expect(await handle(streams, account, "a", withdraw(1), { cache })).toMatchObject({
    written: 1,
    state: { balance: 0 },
  });
});

describe("over a store that has nothing but streams", () => {
  test("commands and snapshots work, and old snapshots stay", async () => {
    const { streams } = countingStore({ isPlain: true });
    const fold: Fold<Account, AccountEvent> = { ...account, snapshot: { every: 1 } };
    await handle(streams, fold, "a", () => deposited(1), { commandId: "c" });
    const again = await handle(streams, fold, "a", () => deposited(1), { commandId: "c", cache: stateCache() });
    expect(again).toMatchObject({ written: 0, state: { balance: 1 } });
    const stream = await streams.openStream("a");
    await expect.poll(() => stream.loadSnapshot({ projection: "account@1" })).not.toBeNull();
    await handle(streams, { ...fold, version: 2 }, "a", () => deposited(1));
    await expect.poll(() => stream.loadSnapshot({ projection: "account@2" })).not.toBeNull();
    expect(await stream.loadSnapshot({ projection: "account@1" })).not.toBeNull();
  });
});
