import { getEventListeners } from "node:events";
import { Pool } from "pg";
import { expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { type Migration, migrate } from "../../../src/migrations/index.js";
import { rawSQL } from "../../../src/transaction/sql-statement.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { holdTransaction, patient } from "../../conformance/support/transactions.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

const SLOW = "SELECT pg_sleep(3600)";

const MIGRATIONS: readonly Migration[] = [
  { id: "0001_text", up: `CREATE TABLE slow (id int); ${SLOW}` },
  {
    id: "0001_callback",
    up: async ({ sql }) => {
      await sql.run(rawSQL("CREATE TABLE slow (id int)"));
      await sql.all(rawSQL(SLOW));
    },
  },
];

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  const opened = async (schemas = ownSchemas()) =>
    postgresStreamFactory((await server()).url(), { ...schemas, durability: "normal" });
  const running = async (pattern: string) => {
    const text =
      "SELECT count(*)::int AS count FROM pg_stat_activity WHERE state = 'active' AND query LIKE $1 AND pid <> pg_backend_pid()";
    return (await (await server()).query(text, [pattern])).rows[0].count;
  };

  test.each(MIGRATIONS)(
    "a migration that is aborted ends its statement, and leaves nothing: $id",
    async (migration) => {
      await using streams = await opened();
      const aborting = new AbortController();
      const migrating = failureOf(migrate(streams, [migration], { signal: aborting.signal }));
      await expect.poll(() => running("%pg_sleep(3600)%")).toBe(1);
      aborting.abort(new Error("enough"));

      expect(await migrating).toMatchObject({ message: "enough" });
      await expect.poll(() => running("%pg_sleep(3600)%")).toBe(0);
      expect(await failureOf(streams.query(rawSQL("SELECT * FROM slow")))).toMatchObject({ code: "STORAGE_FAILED" });
      // The connection is as it was.
      await (await streams.openStream("a")).write({ type: "Written", data: 1 });
    },
  );

  test("a migration that waits for the lock is aborted, and the lock is not waited for any longer", async () => {
    const schemas = ownSchemas();
    await using holding = await opened(schemas);
    await using streams = await opened(schemas);
    const held = holdTransaction(patient(holding));
    await held.hasBegun;
    const aborting = new AbortController();
    const list: Migration[] = [{ id: "0001_quick", up: "CREATE TABLE quick (id int)" }];
    const migrating = failureOf(migrate(streams, list, { signal: aborting.signal }));
    try {
      await expect.poll(() => running("%pg_advisory_xact_lock%")).toBe(1);
      aborting.abort(new Error("enough"));

      expect(await migrating).toMatchObject({ message: "enough" });
      await expect.poll(() => running("%pg_advisory_xact_lock%")).toBe(0);
    } finally {
      held.finish();
      await held.result;
    }
    expect((await migrate(streams, list)).applied).toEqual(["0001_quick"]);
  });

  test("a write that waits is aborted at once, and nothing keeps it any longer", async () => {
    await using streams = await opened();
    const stream = await streams.openStream("a");
    const held = holdTransaction(patient(streams));
    await held.hasBegun;
    const aborting = new AbortController();
    const writing = failureOf(stream.write({ type: "Written", data: 1 }, { signal: aborting.signal }));
    try {
      await expect.poll(() => getEventListeners(aborting.signal, "abort").length).toBeGreaterThan(0);
      aborting.abort(new Error("enough"));

      expect(await writing).toMatchObject({ message: "enough" });
      // They would keep the events for as long as the program has the signal.
      expect(getEventListeners(aborting.signal, "abort")).toEqual([]);
    } finally {
      held.finish();
      await held.result;
    }
    expect(await stream.write({ type: "Written", data: 2 })).toMatchObject({ version: 1 });
  });

  test("a check is aborted while it waits for a lock, and while it waits for a connection of the program's pool", async () => {
    const started = await server();
    const schemas = ownSchemas();
    const pool = new Pool({ connectionString: started.url(), max: 3 });
    {
      await using streams = await postgresStreamFactory(pool, { ...schemas, durability: "normal" });
      const taken = await pool.connect();
      const verifying = async (until: () => Promise<unknown>) => {
        const aborting = new AbortController();
        const failure = failureOf(streams.verify({ signal: aborting.signal }));
        await until();
        aborting.abort(new Error("enough"));
        return failure;
      };
      await streams.verify();
      await taken.query(`BEGIN; LOCK TABLE ${schemas.schema}.es_events IN ACCESS EXCLUSIVE MODE`);
      const isWaiting = () => expect.poll(() => running("%es_events%")).toBe(1);
      expect(await verifying(isWaiting)).toMatchObject({ message: "enough" });
      await expect.poll(() => running("%es_events%")).toBe(0);

      await taken.query("ROLLBACK");

      const ending = new AbortController();
      const slow = failureOf(streams.query(rawSQL(SLOW), { signal: ending.signal }));
      await expect.poll(() => running("%pg_sleep(3600)%")).toBe(1);
      expect(await verifying(async () => undefined)).toMatchObject({ message: "enough" });
      expect(await running("%pg_sleep(3600)%")).toBe(1);
      ending.abort(new Error("enough"));
      await slow;
      taken.release();
      expect(await streams.verify()).toMatchObject({ ok: true });
    }
    await pool.end();
  });

  test("a query is aborted although the program's pool has no connection left, and one that waits for a connection", async () => {
    const pool = new Pool({ connectionString: (await server()).url(), max: 3 });
    {
      await using streams = await postgresStreamFactory(pool, { ...ownSchemas(), durability: "normal" });
      const taken = await pool.connect();
      const aborting = new AbortController();
      const waiting = new AbortController();
      const query = failureOf(streams.query(rawSQL(SLOW), { signal: aborting.signal }));
      await expect.poll(() => running("%pg_sleep(3600)%")).toBe(1);
      const next = failureOf(streams.query(rawSQL("SELECT 1"), { signal: waiting.signal }));
      waiting.abort(new Error("too long"));
      expect(await next).toMatchObject({ message: "too long" });
      expect(await running("%pg_sleep(3600)%")).toBe(1);

      aborting.abort(new Error("enough"));
      expect(await query).toMatchObject({ message: "enough" });
      await expect.poll(() => running("%pg_sleep(3600)%")).toBe(0);
      expect(await streams.query(rawSQL("SELECT 1 AS one"))).toEqual([{ one: 1 }]);
      taken.release();
    }
    await pool.end();
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
