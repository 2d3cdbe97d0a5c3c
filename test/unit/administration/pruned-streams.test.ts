import { describe, expect, test } from "vitest";
import { handle, loadQuery, stateCache } from "../../../src/commands/index.js";
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
