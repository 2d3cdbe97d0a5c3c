import { describe, expect, test, vi } from "vitest";
import type { StreamFactory } from "../../../index.js";
import { type Fold, handle, loadState } from "../../../src/commands/index.js";
import { streamContextOf } from "../../../src/stream/context-access.js";
import { STORES } from "../consumers/support/stores.js";
import { type Account, type AccountEvent, account, deposited } from "./support/account.js";

const EVERY = 500;

const deposits = (count: number): AccountEvent[] => Array.from({ length: count }, () => deposited(1));
const snapshotted = (every: number): Fold<Account, AccountEvent> => ({ ...account, snapshot: { every } });

async function savedVersion(streams: StreamFactory): Promise<number | undefined> {
  await using stream = await streams.openStream("a");
  return (await stream.loadSnapshot({ projection: "account@1" }))?.version;
}

/** Has something happen before the next snapshot of a store is saved. */
function beforeNextSave(streams: StreamFactory, happening: () => Promise<unknown>): void {
  const { storage } = streamContextOf(streams);
  const save = storage.saveSnapshot.bind(storage);
  vi.spyOn(storage, "saveSnapshot").mockImplementationOnce(async (...call) => {
    await happening();
    return save(...call);
  });
}

/** What a load reads of a store. */
async function countReads(streams: StreamFactory, load: () => Promise<unknown>) {
  const { storage } = streamContextOf(streams);
  const readPage = vi.spyOn(storage, "readPage");
  const loadSnapshot = vi.spyOn(storage, "loadSnapshot");
  await load();
  const pages = await Promise.all(readPage.mock.results.map(({ value }) => value));
  const counts = {
    events: pages.reduce((sum, { events }) => sum + events.length, 0),
    snapshots: loadSnapshot.mock.calls.length,
  };
  readPage.mockRestore();
  loadSnapshot.mockRestore();
  return counts;
}

describe.each(STORES)("snapshots of a fold, over %s", (_, open) => {
  test("leave no more to a cold load of 10,000 events than one of them and the events up to the next", async () => {
    await using streams = await open();
    const fold = snapshotted(EVERY);
    await using stream = await streams.openStream("a");
    await stream.write(deposits(9_500));
    await loadState(streams, fold, "a");
    await expect.poll(() => savedVersion(streams)).toBe(9_500);
    await stream.write(deposits(EVERY));

    const load = async () => expect((await loadState(streams, fold, "a")).state.balance).toBe(10_000);
    expect(await countReads(streams, load)).toEqual({ events: EVERY, snapshots: 1 });
  });

  test("are saved by commands of any length, so that no load reads more than so many events", async () => {
    await using streams = await open();
    const fold = snapshotted(10);
    for (let version = 0; version < 60; ) {
      const before = version;
      ({ version } = await handle(streams, fold, "a", () => deposits(1 + (before % 7))));
      const saved = Math.floor(before / 10) < Math.floor(version / 10) ? version : undefined;
      if (saved !== undefined) await expect.poll(() => savedVersion(streams)).toBe(saved);
      const { events, snapshots } = await countReads(streams, () => loadState(streams, fold, "a"));
      expect(events).toBeLessThanOrEqual(10);
      expect(snapshots).toBeLessThanOrEqual(1);
    }
  });

  test("say which version they are of, and hold, although another writer is far ahead when they are saved", async () => {
    await using streams = await open();
    const fold = snapshotted(3);
    await using stream = await streams.openStream("a");
    beforeNextSave(streams, () => stream.write(deposits(300)));
    await handle(streams, fold, "a", () => deposits(3));
    await expect.poll(() => savedVersion(streams)).toBe(3);

    await using reader = await streams.openStream("a");
    expect(await reader.loadSnapshot({ projection: "account@1" })).toMatchObject({ version: 3, state: { balance: 3 } });
    expect(await loadState(streams, fold, "a", { atVersion: 5 })).toMatchObject({ version: 5, state: { balance: 5 } });
    expect(await loadState(streams, fold, "a")).toMatchObject({ version: 303, state: { balance: 303 } });
  });

  test("are not waited for by the command that saves one", async () => {
    await using streams = await open();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    beforeNextSave(streams, () => held);
    expect(await handle(streams, snapshotted(1), "a", () => deposited(1))).toMatchObject({ version: 1, written: 1 });
    expect(await savedVersion(streams)).toBeUndefined();
    release();
    await expect.poll(() => savedVersion(streams)).toBe(1);
  });

  test("are none where the fold does not ask for them, however long the stream is", async () => {
    await using streams = await open();
    const save = vi.spyOn(streamContextOf(streams).storage, "saveSnapshot");
    await handle(streams, account, "a", () => deposits(2_000));
    await loadState(streams, account, "a");
    await handle(streams, account, "a", () => deposited(1));
    expect(save).not.toHaveBeenCalled();
  });
});
