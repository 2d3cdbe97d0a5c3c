import { describe, expect, test } from "vitest";
import { handle, loadQuery, loadState, stateCache } from "../../../src/commands/index.js";
import { event, typed } from "../../../src/events/index.js";
import { account, deposited } from "../commands/support/account.js";
import { listOf, STORES, type Store } from "../consumers/support/stores.js";

const deposits = (count: number) => Array.from({ length: count }, () => deposited(1));
const removed = { code: "EVENTS_REMOVED", streamId: "a", firstVersion: 8 };

/** A stream of 10 events, of which the last three are left. */
async function openPruned(open: () => Promise<Store>): Promise<Store> {
  const streams = await open();
  await (await streams.openStream("a")).write(deposits(10));
  await streams.pruneStream("a", { before: 8 });
  return streams;
}

describe.each(STORES)("a pruned stream over %s", (_, open) => {
  test("is no shorter list in a transaction or through a catalogue either", async () => {
    await using streams = await openPruned(open);
    const versions = async (events: AsyncIterable<{ readonly version: number }>) =>
      (await listOf(events)).map(({ version }) => version);
    const view = typed(streams, { Deposited: event<{ amount: number }>() });
    await using typedStream = await view.openStream("a");

    expect(await versions(typedStream.read({ after: 7 }))).toEqual([8, 9, 10]);
    await expect(versions(typedStream.read())).rejects.toMatchObject(removed);
    for (const store of [streams, view]) {
      expect(await store.transaction((tx) => versions(tx.read("a", { after: 7 })))).toEqual([8, 9, 10]);
      await expect(store.transaction((tx) => versions(tx.read("a")))).rejects.toMatchObject(removed);
    }
  });

  test("is decided on by no command that has not all of it, and folded by a query as far as it is there", async () => {
    await using streams = await openPruned(open);
    const decide = () => deposited(1);
    for (const options of [{}, { cache: stateCache() }, { commandId: "c" }]) {
      await expect(handle(streams, account, "a", decide, options)).rejects.toMatchObject(removed);
    }
    expect(await streams.describeStream("a")).toMatchObject({ version: 10, firstVersion: 8 });
    expect((await loadQuery(streams, account, [])).state.balance).toBe(3);
  });
});

describe.each(STORES)("a stream that is pruned over %s", (_, open) => {
  const LENGTH = 3_000;

  test.each(["read", "watch"] as const)("ends a %s that it overtakes, and leaves no gap in it", async (call) => {
    await using streams = await open();
    await using stream = await streams.openStream("a");
    await stream.write(deposits(LENGTH));
    const seen: number[] = [];
    const following = async () => {
      for await (const { version } of stream[call]({ after: 0 })) {
        seen.push(version);
        if (version === 1) await streams.pruneStream("a", { before: LENGTH });
      }
    };
    await expect(following()).rejects.toMatchObject({ code: "EVENTS_REMOVED", firstVersion: LENGTH });
    expect(seen.length).toBeLessThan(LENGTH);
    expect(seen).toEqual(seen.map((__, index) => index + 1));
  });

  test("is folded whole or not at all by a load that it overtakes", async () => {
    await using streams = await open();
    await (await streams.openStream("a")).write(deposits(LENGTH));
    const pruningAt1 = {
      ...account,
      evolve: (...[state, event]: Parameters<typeof account.evolve>) => {
        if (event.version === 1) pruning = streams.pruneStream("a", { before: LENGTH });
        return account.evolve(state, event);
      },
    };
    let pruning: Promise<unknown> = Promise.resolve();
    const loaded = await loadState(streams, pruningAt1, "a").catch((error: unknown) => error);
    await pruning;
    const isWhole = (loaded as { version?: number }).version === LENGTH;
    if (isWhole) expect(loaded).toMatchObject({ state: { balance: LENGTH } });
    else expect(loaded).toMatchObject({ code: "EVENTS_REMOVED" });
  });
});

describe.each(STORES)("space over %s", (_, open) => {
  test("is given back, unless the signal is aborted", async () => {
    await using streams = await openPruned(open);
    const reason = new Error("changed my mind");
    await expect(streams.reclaim({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const progress: number[] = [];
    const { freedBytes } = await streams.reclaim({ onProgress: ({ freedBytes: freed }) => progress.push(freed) });
    expect(progress.at(-1)).toBe(freedBytes);
  });
});
