import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StreamFactory } from "../../../index.js";
import { type Fold, handle, loadState, stateCache } from "../../../src/commands/index.js";
import { STORES } from "../consumers/support/stores.js";
import { type Account, type AccountEvent, account, deposited, opened, withdrawn } from "./support/account.js";

const snapshotted = (every: number, keep?: number, version = 1): Fold<Account, AccountEvent> => ({
  ...account,
  version,
  snapshot: { every, keep },
});

async function write(streams: StreamFactory, streamId: string, count: number): Promise<void> {
  await (await streams.openStream(streamId)).write(Array.from({ length: count }, () => deposited(1)));
}

/** The versions that snapshots of a fold are of. */
async function snapshotVersions(streams: StreamFactory, streamId: string, projection = "account@1"): Promise<number[]> {
  const stream = await streams.openStream(streamId);
  const versions: number[] = [];
  for (let atOrBefore: number | undefined; atOrBefore !== 0; ) {
    const snapshot = await stream.loadSnapshot({ projection, atOrBefore });
    if (snapshot === null) return versions;
    versions.push(snapshot.version);
    atOrBefore = snapshot.version - 1;
  }
  return versions;
}

/** What the channel of commands reports while a test runs. */
function messages(): { readonly list: Record<string, unknown>[] } & Disposable {
  const list: Record<string, unknown>[] = [];
  const listener = (message: unknown): void => void list.push(message as Record<string, unknown>);
  subscribe("async-streams:commands", listener);
  return { list, [Symbol.dispose]: () => void unsubscribe("async-streams:commands", listener) };
}

describe.each(STORES)("loadState over %s", (_, open) => {
  test("folds the stream, up to a version if one is given", async () => {
    await using streams = await open();
    await handle(streams, account, "a", () => [opened, deposited(5), withdrawn(2)]);

    expect(await loadState(streams, account, "a")).toEqual({ version: 3, state: { balance: 3, owner: "ada" } });
    expect(await loadState(streams, account, "a", { atVersion: 2 })).toMatchObject({
      version: 2,
      state: { balance: 5 },
    });
    expect(await loadState(streams, account, "a", { atVersion: 0 })).toMatchObject({
      version: 0,
      state: { owner: null },
    });
    expect(await loadState(streams, account, "a", { atVersion: 9 })).toMatchObject({ version: 3 });
    expect(await loadState(streams, account, "none")).toEqual({ version: 0, state: { balance: 0, owner: null } });
  });

  test("a snapshot is saved by the command that crosses a multiple, and so many stay", async () => {
    await using streams = await open();
    const fold = snapshotted(3);
    // Those of versions 4, 6 and 10, of which two stay. A load that does not find the last one yet would save one more.
    for (const versions of [[], [4], [6, 4], [6, 4], [10, 6]]) {
      await handle(streams, fold, "a", () => [deposited(1), deposited(1)]);
      await expect.poll(() => snapshotVersions(streams, "a")).toEqual(versions);
    }
    expect(await loadState(streams, fold, "a")).toEqual({ version: 10, state: { balance: 10, owner: null } });
    expect(await loadState(streams, fold, "a", { atVersion: 7 })).toEqual({
      version: 7,
      state: { balance: 7, owner: null },
    });
  });

  test("a snapshot is saved by the load that had to fold more than so many events", async () => {
    await using streams = await open();
    await write(streams, "a", 3);
    await loadState(streams, snapshotted(3), "a");
    expect(await snapshotVersions(streams, "a")).toEqual([]);
    await write(streams, "a", 1);
    await loadState(streams, snapshotted(3), "a", { atVersion: 4 });
    expect(await snapshotVersions(streams, "a")).toEqual([]);
    await loadState(streams, snapshotted(3), "a");
    await expect.poll(() => snapshotVersions(streams, "a")).toEqual([4]);
  });

  test("the disposal of the store waits for a snapshot that is being saved", async () => {
    using told = messages();
    const streams = await open();
    await write(streams, "a", 10);
    await loadState(streams, snapshotted(2), "a");
    await streams[Symbol.asyncDispose]();
    expect(told.list).toEqual([]);
  });

  test("another version of the fold uses no old snapshot, and removes them when it saves one", async () => {
    await using streams = await open();
    await write(streams, "a", 4);
    await loadState(streams, snapshotted(2), "a");
    await expect.poll(() => snapshotVersions(streams, "a", "account@1")).toEqual([4]);
    type Counted = { readonly count: number };
    const second: Fold<Counted, AccountEvent> = {
      name: "account",
      version: 2,
      initial: () => ({ count: 0 }),
      evolve: ({ count }) => ({ count: count + 1 }),
      snapshot: { every: 2 },
    };
    expect(await loadState(streams, second, "a")).toEqual({ version: 4, state: { count: 4 } });
    await expect.poll(() => snapshotVersions(streams, "a", "account@1")).toEqual([]);
    expect(await snapshotVersions(streams, "a", "account@2")).toEqual([4]);
    // A process that still runs version 1 goes on, and leaves those of version 2.
    expect((await loadState(streams, snapshotted(2), "a")).state.balance).toBe(4);
    await expect.poll(() => snapshotVersions(streams, "a", "account@1")).toEqual([4]);
    expect(await snapshotVersions(streams, "a", "account@2")).toEqual([4]);
  });

  test.each([
    ["a Date", new Date(0)],
    ["a Map", new Map([["cup", 1]])],
    ["an object with a Map", { products: new Map([["cup", 1]]) }],
  ])("a state that cannot be saved is a message, and nothing else: %s", async (__, state) => {
    using told = messages();
    await using streams = await open();
    const fold: Fold<unknown, AccountEvent> = {
      name: "unsaved",
      initial: () => state,
      evolve: (before) => before,
      snapshot: { every: 1 },
    };
    expect(await handle(streams, fold, "a", () => opened)).toMatchObject({ written: 1, state });
    await expect
      .poll(() => told.list)
      .toMatchObject([
        { kind: "snapshot-failed", streamId: "a", projection: "unsaved@1", error: { code: "INVALID_ARGUMENT" } },
      ]);
    expect(await snapshotVersions(streams, "a", "unsaved@1")).toEqual([]);
  });

  test("a deleted stream has no state, at whatever version", async () => {
    await using streams = await open();
    const cache = stateCache();
    const fold = snapshotted(2);
    await handle(streams, fold, "a", () => [opened, deposited(1), deposited(1)], { cache });
    await streams.deleteStream("a");

    for (const options of [{}, { cache }, { atVersion: 1 }, { atVersion: 3 }, { atVersion: 9 }]) {
      const error = { code: "STREAM_DELETED", streamId: "a" };
      await expect(loadState(streams, fold, "a", options)).rejects.toMatchObject(error);
      await expect(loadState(streams, account, "a", options)).rejects.toMatchObject(error);
    }
    await expect(handle(streams, fold, "a", () => opened, { cache, commandId: "c" })).rejects.toMatchObject({
      code: "STREAM_DELETED",
    });
  });

  test("a deleted stream is refused with the call, the stream and the store", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    await streams.deleteStream("a");

    const refused = {
      code: "STREAM_DELETED",
      message: expect.stringMatching(/state of stream "a" in :memory:: .* Use/),
    };
    await expect(loadState(streams, account, "a")).rejects.toMatchObject(refused);
    await expect(handle(streams, account, "a", () => opened)).rejects.toMatchObject(refused);
  });

  test("a pruned stream is folded from the snapshot, also by a fold that saves none", async () => {
    await using streams = await open();
    await write(streams, "a", 5);
    await loadState(streams, snapshotted(4), "a");
    await expect.poll(() => snapshotVersions(streams, "a")).toEqual([5]);
    await write(streams, "a", 2);
    await streams.pruneStream("a", { before: 6, behindSnapshot: "account@1" });

    for (const fold of [account, snapshotted(4), snapshotted(100)]) {
      expect(await loadState(streams, fold, "a")).toMatchObject({ version: 7, state: { balance: 7 } });
    }
    await expect(loadState(streams, account, "a", { atVersion: 3 })).rejects.toMatchObject({ code: "EVENTS_REMOVED" });
    const other = { ...account, name: "other" };
    await expect(loadState(streams, other, "a")).rejects.toMatchObject({ code: "EVENTS_REMOVED", firstVersion: 6 });
  });

  test("a state in the cache survives a prune of what it includes, if a snapshot leads on", async () => {
    await using streams = await open();
    const cache = stateCache();
    await write(streams, "a", 5);
    await loadState(streams, snapshotted(4), "a", { cache });
    await write(streams, "a", 5);
    await loadState(streams, snapshotted(4), "a");
    await expect.poll(() => snapshotVersions(streams, "a")).toEqual([10, 5]);
    await write(streams, "a", 1);
    await streams.pruneStream("a", { before: 10, behindSnapshot: "account@1" });

    expect(await loadState(streams, snapshotted(4), "a", { cache })).toMatchObject({
      version: 11,
      state: { balance: 11 },
    });
  });

  test("what changes the state in the cache from outside changes no other load", async () => {
    await using streams = await open();
    const cache = stateCache();
    await write(streams, "a", 2);
    const first = await loadState(streams, account, "a", { cache });
    await write(streams, "a", 1);

    expect((await loadState(streams, account, "a", { cache })).state.balance).toBe(3);
    expect(first.state.balance).toBe(2);
    expect(await loadState(streams, account, "a", { cache, atVersion: 1 })).toMatchObject({
      version: 1,
      state: { balance: 1 },
    });
  });

  test("folds of one stream in one cache do not mix, and what evolve throws leaves nothing behind", async () => {
    await using streams = await open();
    const cache = stateCache();
    await handle(streams, account, "a", () => [opened, deposited(1)], { cache });
    let isBroken = true;
    const fragile: Fold<number, AccountEvent> = {
      name: "fragile",
      initial: () => 0,
      evolve: (count, { version }) => {
        if (isBroken && version === 2) throw new RangeError("broken");
        return count + 1;
      },
    };
    await expect(loadState(streams, fragile, "a", { cache })).rejects.toThrow(RangeError);
    isBroken = false;
    expect(await loadState(streams, fragile, "a", { cache })).toEqual({ state: 2, version: 2 });
    expect((await loadState(streams, account, "a", { cache })).state.owner).toBe("ada");
  });
});
