import { sql } from "async-streams";
import { describe, expect, test } from "vitest";
import { createStore } from "../../../examples/openfroyo/index.js";
import { openStore, openStoreWithRun, PROFILES } from "./support/stores.js";

describe.each(PROFILES)("profile %s", (_, makeConfig) => {
  test("what a transaction did is there as a whole", async () => {
    const store = await openStore(await makeConfig());
    const count = await store.withTx(async (tx) => {
      await tx.createRun({ id: "run-001", planPath: "/p.json" });
      await tx.createAuditEntry({ action: "run.created", actor: "system", targetId: "run-001" });
      expect((await tx.getRun("run-001")).status).toBe("pending");
      const [row] = await tx.sql.all<{ total: number }>(sql`SELECT count(*) AS total FROM runs`);
      return row?.total;
    });
    expect(count).toBe(1);
    expect(await store.listRuns()).toHaveLength(1);
    expect(await store.listAuditEntries()).toHaveLength(1);
  });

  test("a failure in the middle leaves nothing, neither in the tables nor among the events", async () => {
    const store = await openStoreWithRun(await makeConfig());
    const failure = new Error("in the middle");
    const failing = store.withTx(async (tx) => {
      await tx.updateRunStatus("run-001", "running");
      await tx.createRun({ id: "run-002", planPath: "/p.json" });
      await tx.upsertFact({ targetId: "h", namespace: "os", key: "k", value: 1 });
      await tx.appendEvent({ runId: "run-002", level: "info", message: "lost" });
      throw failure;
    });
    await expect(failing).rejects.toBe(failure);
    expect(await store.listRuns()).toMatchObject([{ id: "run-001", status: "pending" }]);
    expect(await store.listEvents()).toEqual([]);
    await expect(store.getFact("h", "os", "k")).rejects.toThrow("not found");
    expect(await store.metrics()).toContain("openfroyo_store_position 1\n");
  });

  test("work that is no function is refused by its name", async () => {
    const store = await openStore(await makeConfig());
    await expect(store.withTx(5 as never)).rejects.toThrow(new TypeError("work must be a function, got 5"));
  });

  test("an aborted signal rolls back", async () => {
    const store = await openStoreWithRun(await makeConfig());
    const abort = new AbortController();
    const reason = new Error("no longer wanted");
    const cancelled = store.withTx(
      async (tx) => {
        await tx.updateRunStatus("run-001", "running");
        abort.abort(reason);
        await new Promise((resolve) => setImmediate(resolve));
      },
      { signal: abort.signal },
    );
    await expect(cancelled).rejects.toBe(reason);
    expect((await store.getRun("run-001")).status).toBe("pending");
  });

  test("transactions at the same time are as if one came after the other", async () => {
    const store = await openStore(await makeConfig());
    const key = { targetId: "h", namespace: "n", key: "counter" };
    await store.upsertFact({ ...key, value: 0 });
    const increment = () =>
      store.withTx(async (tx) => {
        const { value } = await tx.getFact("h", "n", "counter");
        await tx.upsertFact({ ...key, value: Number(value) + 1 });
      });
    await Promise.all(Array.from({ length: 10 }, increment));
    expect(await store.getFact("h", "n", "counter")).toMatchObject({ value: 10 });
  });

  test("a value is never part of a statement", async () => {
    const store = await openStoreWithRun(await makeConfig());
    const hostile = `'; DROP TABLE runs; -- " \\ $1 ? \u0001`;
    await store.appendEvent({ runId: "run-001", level: "info", message: hostile, details: { [hostile]: hostile } });
    expect(await store.listEvents({ runId: "run-001" })).toMatchObject([
      { message: hostile, details: { [hostile]: hostile } },
    ]);
    await expect(store.getRun(hostile)).rejects.toThrow("not found");
    expect(await store.listEvents({ runId: hostile })).toEqual([]);
  });

  test("a store that was not opened, or was closed, says so", async () => {
    const store = createStore(await makeConfig());
    await expect(store.getRun("x")).rejects.toThrow("failed to get run: database not initialized; call init() first");
    await store.init();
    await store.init();
    await store.close();
    await store.close();
    await expect(store.migrate()).rejects.toThrow("failed to run migrations: database not initialized");
  });
});
