import { createHash } from "node:crypto";
import { sql } from "async-streams";
import { describe, expect, test } from "vitest";
import { openStore, openStoreWithRun, PROFILES } from "./support/stores.js";

const START_MS = Date.UTC(2026, 10, 28, 10);
const STATE = { installed: true, version: "2.4.41" };
const KEY = { resourceType: "linux.pkg", resourceName: "apache2" };

describe.each(PROFILES)("profile %s", (_, makeConfig) => {
  test("a resource state is created and then changed, by type and name", async () => {
    let nowMs = START_MS;
    const store = await openStoreWithRun({ ...(await makeConfig()), now: () => nowMs });
    const created = await store.upsertResourceState({ ...KEY, id: "rs-001", state: STATE, lastRunId: "run-001" });
    expect(await store.getResourceState("linux.pkg", "apache2")).toEqual(created);
    nowMs += 1_000;
    const state = { ...STATE, version: "2.4.58" };
    await store.upsertResourceState({ ...KEY, id: "rs-002", state, lastRunId: "run-001" });
    const changed = await store.getResourceState("linux.pkg", "apache2");
    expect(changed).toMatchObject({ id: "rs-001", state, createdAt: created.createdAt, updatedAt: new Date(nowMs) });
    expect(await store.listResourceStates()).toEqual([changed]);
  });

  test("its hash is SHA-256 of its JSON text, and another one is refused", async () => {
    const store = await openStore(await makeConfig());
    const hash = createHash("sha256").update('{"installed":true,"version":"2.4.41"}').digest("hex");
    expect(await store.upsertResourceState({ ...KEY, state: STATE, hash })).toMatchObject({ hash });
    const other = store.upsertResourceState({ ...KEY, state: { ...STATE, installed: false }, hash });
    await expect(other).rejects.toThrow(/^failed to upsert resource state: the hash of the state is /);
    expect(await store.getResourceState("linux.pkg", "apache2")).toMatchObject({ state: STATE, hash });
  });

  test("resources whose types and names have slashes are not mixed up", async () => {
    const store = await openStore(await makeConfig());
    await store.upsertResourceState({ resourceType: "linux", resourceName: "pkg/apache2", state: 1 });
    await store.upsertResourceState({ resourceType: "linux/pkg", resourceName: "apache2", state: 2 });
    expect(await store.verify()).toEqual({ ok: true, problems: [] });
    await store.migrateDown(1);
    await store.withTx((tx) => tx.sql.run(sql`UPDATE resource_state SET state = '3' WHERE state = '1'`));
    expect(await store.verify()).toMatchObject({ ok: false, problems: [expect.stringMatching(/ was changed$/)] });
  });

  test("a state that was changed by hand is found, and not returned", async () => {
    const store = await openStore(await makeConfig());
    await store.upsertResourceState({ ...KEY, id: "rs-001", state: STATE });
    await store.withTx((tx) => tx.sql.run(sql`UPDATE resource_state SET state = ${'{"installed":false}'}`));
    await expect(store.getResourceState("linux.pkg", "apache2")).rejects.toThrow(
      /^failed to get resource state: .*damaged/,
    );
    expect(await store.verify()).toEqual({ ok: false, problems: ["resource_state rs-001 was changed"] });
  });

  test("a fact expires after its TTL, and is not returned although nobody deleted it", async () => {
    let nowMs = START_MS;
    const store = await openStore({ ...(await makeConfig()), now: () => nowMs });
    const host = { targetId: "host-001", namespace: "os.basic" };
    const lasting = await store.upsertFact({ ...host, key: "os_family", value: "debian" });
    const passing = await store.upsertFact({ ...host, key: "load", value: [0.5, 0.2], ttl: 3_600 });
    expect(passing.expiresAt).toEqual(new Date(START_MS + 3_600_000));
    expect(lasting).toMatchObject({ ttl: 0, value: "debian" });
    expect(lasting).not.toHaveProperty("expiresAt");

    nowMs = START_MS + 3_599_999;
    expect(await store.getFact("host-001", "os.basic", "load")).toEqual(passing);
    expect(await store.deleteExpiredFacts()).toBe(0);
    nowMs += 1;
    await expect(store.getFact("host-001", "os.basic", "load")).rejects.toThrow("failed to get fact: not found");
    expect(await store.getFact("host-001", "os.basic", "os_family")).toEqual(lasting);
    expect(await store.deleteExpiredFacts()).toBe(1);
    expect(await store.deleteExpiredFacts()).toBe(0);
  });

  test("a time to live that is no whole number of seconds is refused, and stores nothing", async () => {
    const store = await openStore(await makeConfig());
    const fact = { targetId: "host-001", namespace: "os.basic", key: "load", value: 1 };
    await expect(store.upsertFact({ ...fact, ttl: 0.5 })).rejects.toThrow("whole number of seconds, got 0.5");
    await expect(store.upsertFact({ ...fact, ttl: -1 })).rejects.toThrow("whole number of seconds, got -1");
    // Its end, as text, would be sorted before now.
    await expect(store.upsertFact({ ...fact, ttl: 1e12 })).rejects.toThrow(
      "expiresAt must be a time of the years 0 to",
    );
    const expiresAt = new Date(8.64e15);
    await expect(store.upsertFact({ ...fact, expiresAt })).rejects.toThrow(/^failed to upsert fact: expiresAt must be/);
    await expect(store.getFact("host-001", "os.basic", "load")).rejects.toThrow("not found");
  });

  test.each([Number.NaN, Infinity, new Date(0), new Map(), 1n, undefined, [undefined], { a: { b: Number.NaN } }])(
    "a fact of %o, which would come back as something else, is refused",
    async (value) => {
      const store = await openStore(await makeConfig());
      const fact = { targetId: "host-001", namespace: "os.basic", key: "load", value: value as never };
      await expect(store.upsertFact(fact)).rejects.toThrow("failed to upsert fact: value must be JSON, got ");
      await expect(store.getFact("host-001", "os.basic", "load")).rejects.toThrow("not found");
    },
  );

  test("a fact that is found again has a new value and a new end", async () => {
    let nowMs = START_MS;
    const store = await openStore({ ...(await makeConfig()), now: () => nowMs });
    const key = { targetId: "host-001", namespace: "hw.cpu", key: "cpu_count" };
    const first = await store.upsertFact({ ...key, id: "fact-001", value: 4, ttl: 60 });
    nowMs += 30_000;
    const second = await store.upsertFact({ ...key, id: "fact-002", value: 8, ttl: 60 });
    expect(second).toMatchObject({ id: "fact-001", value: 8, createdAt: first.createdAt });
    nowMs += 59_999;
    expect(await store.getFact("host-001", "hw.cpu", "cpu_count")).toEqual(second);
    // As another program may say that it never expires.
    await store.upsertFact({ ...key, value: 8, expiresAt: null as never });
    nowMs += 1_000_000;
    expect(await store.getFact("host-001", "hw.cpu", "cpu_count")).toMatchObject({ ttl: 0 });
  });
});
