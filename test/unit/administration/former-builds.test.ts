import { afterEach, describe, expect, test, vi } from "vitest";
import { applyRetention } from "../../../index.js";
import { CONSUMERS_SPACE, PROJECTIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { protectPersonalData } from "../../../src/privacy/protect-personal-data.js";
import { runProjections, whenProcessed } from "../../../src/projections/index.js";
import { inRecords, overwrite } from "../consumers/support/lease-records.js";
import { listOf, numbered, STORES, type Store } from "../consumers/support/stores.js";
import { MemoryKeys } from "../privacy/support/memory-keys.js";

// Another version of a projection is shown, and a process may still run the former one.

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NEEDED = { code: "EVENTS_NEEDED", neededBy: ["projection p@1"] };

/**
 * Writes ten events and forgets a person. The former version has read the first three events, and the one that is shown all.
 *
 * @returns which projections have yet to read that the person was forgotten
 */
async function write(streams: Store): Promise<() => Promise<readonly string[]>> {
  const persons = protectPersonalData(streams, {}, new MemoryKeys(), { keyTtlMs: 0 });
  const a = await streams.openStream("a");
  for (const [version, events] of [
    [1, [1, 2, 3]],
    [2, [4, 5, 6, 7, 8, 9, 10]],
  ] as const) {
    if (version === 2) await persons.forget("ada");
    const { position } = await a.write(events.map(numbered));
    await using runner = await runProjections(streams, [{ name: "p", version, project: async () => undefined }]);
    await whenProcessed(streams, "p", position);
    await expect.poll(() => runner.status()[0]?.state).toBe("live");
  }
  return async () => (await persons.forgetReport("ada")).projectionsBehind;
}

/** Has another process hold the lease of the former version. */
const hold = (streams: Store, untilMs: number, leaseMs: number) =>
  overwrite(streams, PROJECTIONS_SPACE, "p@1", { owner: "other", untilMs, leaseMs });

/** Has another process renew the lease of the former version until a call has ended. */
async function renewDuring<T>(streams: Store, aheadMs: number, call: () => Promise<T>): Promise<T> {
  let renewals = 0;
  const renew = () => hold(streams, Date.now() + aheadMs + ++renewals, 300);
  await renew();
  let isSettled = false;
  const calling = call().finally(() => {
    isSettled = true;
  });
  const settled = Promise.allSettled([calling]);
  while (!isSettled) {
    await renew();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await settled;
  return calling;
}

const retain = (streams: Store, dryRun = false) =>
  listOf(applyRetention(streams, [{ prefix: "", maxEvents: 1 }], { dryRun }));

const WRONG_CLOCKS: [string, number][] = [
  ["behind", -DAY_MS],
  ["ahead", DAY_MS],
];

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(STORES)("over %s", (_, open) => {
  test.each(WRONG_CLOCKS)(
    "a former build needs its events while a process runs it whose clock is %s",
    async (_, aheadMs) => {
      await using streams = await open();
      const projectionsBehind = await write(streams);
      const during = <T>(call: () => Promise<T>) => renewDuring(streams, aheadMs, call);
      await expect(during(() => streams.pruneStream("a", { before: 6 }))).rejects.toMatchObject(NEEDED);
      await expect(during(() => streams.deleteStream("a"))).rejects.toMatchObject(NEEDED);
      expect(await streams.describeStream("a")).toMatchObject({ version: 10, firstVersion: 1, deleted: false });
      expect(await during(() => retain(streams, true))).toMatchObject([{ firstVersion: 4 }]);
      expect(await during(() => retain(streams))).toMatchObject([{ firstVersion: 4 }]);
      expect(await during(() => projectionsBehind())).toEqual(["p"]);
    },
  );

  test.each(WRONG_CLOCKS)(
    "a former build needs no events once its process is gone, whose clock was %s",
    async (_, aheadMs) => {
      await using streams = await open();
      const projectionsBehind = await write(streams);
      // Each lease is another, of which a call has to make sure.
      const die = () => hold(streams, Date.now() + aheadMs, 100);
      await die();
      expect(await streams.pruneStream("a", { before: 5 })).toMatchObject({ firstVersion: 5 });
      await die();
      expect(await retain(streams, true)).toMatchObject([{ firstVersion: 10 }]);
      await die();
      expect(await streams.deleteStream("a")).toMatchObject({ version: 11 });
      await die();
      expect(await projectionsBehind()).toEqual([]);
    },
  );

  test("a lease that the clocks agree on is waited for by nobody", async () => {
    await using streams = await open();
    const projectionsBehind = await write(streams);
    await hold(streams, Date.now() + HOUR_MS, HOUR_MS);
    await expect(streams.pruneStream("a", { before: 6 })).rejects.toMatchObject(NEEDED);
    await expect(streams.deleteStream("a")).rejects.toMatchObject(NEEDED);
    expect(await retain(streams)).toMatchObject([{ firstVersion: 4 }]);
    expect(await projectionsBehind()).toEqual(["p"]);
  });

  test("nobody waits for a lease where it does not matter", async () => {
    await using streams = await open();
    await write(streams);
    await hold(streams, Date.now() - 1, HOUR_MS);
    expect(await streams.pruneStream("a", { before: 4 })).toMatchObject({ firstVersion: 4 });
    await overwrite(streams, CONSUMERS_SPACE, "mail/0", { position: 1, owner: null });
    await expect(streams.pruneStream("a", { before: 6 })).rejects.toMatchObject({
      neededBy: ["consumer mail", "projection p@1"],
    });
    await expect(streams.deleteStream("a")).rejects.toMatchObject({ code: "EVENTS_NEEDED" });
    expect(await streams.pruneStream("a", { before: 6, force: true })).toMatchObject({ firstVersion: 6 });
  });

  test("a wait for a lease ends with the signal, and what was seen of the lease counts for the next call", async () => {
    await using streams = await open();
    await write(streams);
    await hold(streams, Date.now() - 1, HOUR_MS);
    const reason = new Error("changed my mind");
    const waitsUntilAborted = async (call: (signal: AbortSignal) => Promise<unknown>) => {
      const stopping = new AbortController();
      const refused = expect(call(stopping.signal)).rejects.toBe(reason);
      // It comes behind the transactions of the call.
      for (let each = 0; each < 5; each += 1) await inRecords(streams, async () => undefined);
      stopping.abort(reason);
      await refused;
    };
    await waitsUntilAborted((signal) => streams.pruneStream("a", { before: 6, signal }));
    await waitsUntilAborted((signal) => streams.deleteStream("a", { signal }));
    await waitsUntilAborted((signal) => listOf(applyRetention(streams, [{ prefix: "" }], { signal })));
    const nowMs = performance.now();
    vi.spyOn(performance, "now").mockImplementation(() => nowMs + HOUR_MS);
    expect(await streams.pruneStream("a", { before: 6 })).toMatchObject({ firstVersion: 6 });
  });

  test("a wait for a lease ends with the store", async () => {
    const streams = await open();
    await write(streams);
    await hold(streams, Date.now() - 1, HOUR_MS);
    const refused = expect(streams.pruneStream("a", { before: 6 })).rejects.toMatchObject({ code: "STREAM_CLOSED" });
    for (let each = 0; each < 5; each += 1) await inRecords(streams, async () => undefined);
    await streams[Symbol.asyncDispose]();
    await refused;
  });
});
