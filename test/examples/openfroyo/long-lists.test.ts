import { sql } from "async-streams";
import { describe, expect, test } from "vitest";
import { openStoreWithRun, PROFILES } from "./support/stores.js";

const COUNT = 10_001;
const NUMBERS = sql`WITH RECURSIVE numbers(n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n <= ${COUNT})`;
const TOO_MANY = "there are more than 10000 rows; read them in pages, with limit and after";

describe.each(PROFILES)("profile %s", (_, makeConfig) => {
  test("a list is never cut: the units of a run are all there, and other lists say that they need pages", async () => {
    const store = await openStoreWithRun(await makeConfig());
    await store.withTx(
      async ({ sql: tables }) => {
        await tables.run(sql`${NUMBERS}
          INSERT INTO runs (id, plan_path, status, started_at, metadata, created_at, updated_at, position)
          SELECT 'run-' || n, '/p.json', 'completed', 't', '{}', 't', 't', n FROM numbers`);
        await tables.run(sql`${NUMBERS}
          INSERT INTO plan_units (id, run_id, resource_type, resource_name, action, status, dependencies, desired_state, retries,
            created_at, updated_at, position)
          SELECT 'pu-' || n, 'run-001', 't', 'n', 'create', 'pending', '[]', '{}', 0, 't', 't', n FROM numbers`);
        await tables.run(sql`${NUMBERS}
          INSERT INTO resource_state (id, resource_type, resource_name, state, hash, last_applied, created_at, updated_at)
          SELECT 'rs-' || n, 't', 'n' || n, '{}', '', 't', 't', 't' FROM numbers`);
        await tables.run(sql`${NUMBERS} INSERT INTO events (id, level, message, timestamp)
          SELECT n, 'info', 'm', 't' FROM numbers`);
        await tables.run(sql`${NUMBERS} INSERT INTO audit (id, action, actor, timestamp)
          SELECT n, 'a', 'b', 't' FROM numbers`);
      },
      { timeoutMs: 60_000 },
    );
    const units = await store.listPlanUnits("run-001");
    expect(units.map(({ id }) => id)).toEqual(Array.from({ length: COUNT }, (_, at) => `pu-${at + 2}`));
    const resources = await store.listResourceStates();
    expect(new Set(resources.map(({ id }) => id)).size).toBe(COUNT);

    for (const list of [() => store.listRuns(), () => store.listEvents(), () => store.listAuditEntries()]) {
      await expect(list()).rejects.toThrow(TOO_MANY);
    }
    for (const limit of [COUNT, -1, 1.5, Number.NaN]) {
      const message = `failed to list events: limit must be a whole number, at most 10000, got ${limit}`;
      await expect(store.listEvents({ limit })).rejects.toThrow(message);
    }
    const page = await store.listRuns({ limit: 10_000 });
    const rest = await store.listRuns({ after: page.at(-1)?.id });
    expect([page.length, rest.map(({ id }) => id)]).toEqual([10_000, ["run-10001", "run-10002"]]);
    expect(await store.listAuditEntries({ after: 9_999 })).toHaveLength(3);
  });
});
