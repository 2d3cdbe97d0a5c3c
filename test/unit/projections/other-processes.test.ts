import { describe, expect, test } from "vitest";
import { sql } from "../../../index.js";
import { dropProjection, runProjections, whenProcessed } from "../../../src/projections/index.js";
import { SHARED_STORES } from "../administration/support/stores.js";
import { countCalls } from "../consumers/support/counted-calls.js";
import { balances, deposited } from "./support/stores.js";

// Two factories over one store are as two processes: neither knows what the other does.

const SHORT = { leaseMs: 300 };

describe.each(SHARED_STORES)("a projection of several processes, over %s", (_, makeStore) => {
  test("is run by one of them, waited for and read in all, and taken over after a stop", async () => {
    await using store = await makeStore();
    await using ours = await store.open();
    await using theirs = await store.open();
    const rows = () => theirs.query(sql`SELECT balance FROM balances`);
    // A short one may end where the machine stands still, and the other takes over before the stop.
    const lease = { leaseMs: 86_400_000 };
    const first = await runProjections(ours, [balances()], lease);
    await using second = await runProjections(theirs, [balances()], lease);
    const a = await theirs.openStream("a");
    await whenProcessed(theirs, "balances", (await a.write(deposited(1))).position);
    expect(await rows()).toEqual([{ balance: 1 }]);
    await expect.poll(() => second.status()[0]?.state).toBe("standby");
    await expect(dropProjection(theirs, "balances")).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });

    await first[Symbol.asyncDispose]();
    await whenProcessed(ours, "balances", (await a.write(deposited(2))).position);
    expect(await rows()).toEqual([{ balance: 3 }]);
    expect(second.status()).toMatchObject([{ state: "live" }]);
  });

  test("has passed over what it does not want, as others learn soon although no further event comes", async () => {
    await using store = await makeStore();
    await using ours = await store.open();
    await using theirs = await store.open();
    await using _runner = await runProjections(ours, [balances()]);
    const a = await theirs.openStream("a");
    await whenProcessed(theirs, "balances", (await a.write(deposited(1))).position);
    const { position } = await a.write(Array.from({ length: 100 }, () => ({ type: "Other", data: null })));
    await whenProcessed(theirs, "balances", position);
  });

  test("is taken over from a process that stops, also when no further event comes", async () => {
    await using store = await makeStore();
    await using ours = await store.open();
    await using theirs = await store.open();
    // No renewal brings it in time.
    const lease = { leaseMs: 86_400_000 };
    const first = await runProjections(ours, [balances()], lease);
    await using second = await runProjections(theirs, [balances()], lease);
    await expect.poll(() => second.status()[0]?.state).toBe("standby");
    await first[Symbol.asyncDispose]();
    await expect.poll(() => second.status()[0]?.state).toBe("live");
  });

  test("is looked at by those that stand by in reads that no writer waits for", async () => {
    await using store = await makeStore();
    await using ours = await store.open();
    await using theirs = await store.open();
    const lease = { leaseMs: 86_400_000 };
    const both = [
      balances(),
      { ...balances(), name: "others", tables: async () => undefined, project: async () => undefined },
    ];
    const first = await runProjections(ours, both, lease);
    await using second = await runProjections(theirs, both, lease);
    const states = () => second.status().map(({ state }) => state);
    await expect.poll(states).toEqual(["standby", "standby"]);
    const calls = countCalls(theirs);
    const a = await ours.openStream("a");
    await expect
      .poll(async () => {
        await a.write(deposited(1));
        return calls.listRecords;
      })
      .toBeGreaterThan(3);
    // So does who waits for it in another process.
    await whenProcessed(theirs, "balances", (await a.write(deposited(1))).position);
    expect(calls.transact).toBe(0);

    await first[Symbol.asyncDispose]();
    await expect.poll(states).toEqual(["live", "live"]);
  });

  test("is rebuilt by one for all, and an older version of another goes on beside the newer one", async () => {
    await using store = await makeStore();
    await using ours = await store.open();
    await using theirs = await store.open();
    const shown = async () => (await ours.query<{ balance: number }>(sql`SELECT balance FROM balances`))[0]?.balance;
    const a = await ours.openStream("a");
    await a.write([deposited(1), deposited(2)]);
    await using _old = await runProjections(ours, [balances(1)], SHORT);
    await using newer = await runProjections(theirs, [balances(2, 10)], SHORT);
    await expect.poll(shown).toBe(30);
    const { position } = await a.write(deposited(4));
    await whenProcessed(ours, "balances", position);
    expect(await shown()).toBe(70);
    await newer.rebuild("balances");
    expect(await shown()).toBe(70);
    await expect.poll(() => ours.query(sql`SELECT balance FROM balances__1`)).toEqual([{ balance: 7 }]);
  });
});
