import { expect, test } from "vitest";
import { rawSQL, sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { SQLStatement } from "../../../protocols/index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

const settingOf = (name: string) => sql`SELECT nullif(current_setting(${name}, true), '') AS value`;

/** Locks of sessions, as others see them. */
const HELD = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND objid = 7";

/** What changes a session for longer than a transaction, and a query that shows it. */
const CHANGES: readonly { readonly what: string; readonly change: SQLStatement; readonly look: SQLStatement }[] = [
  {
    what: "the path",
    change: sql`SELECT set_config('search_path', 'pg_catalog', false)`,
    look: sql`SELECT current_schema()`,
  },
  {
    what: "a time limit",
    change: sql`SELECT set_config('statement_timeout', '5min', false)`,
    look: settingOf("statement_timeout"),
  },
  {
    what: "a setting of the application's",
    change: sql`SELECT set_config('app.tenant', '7', false)`,
    look: settingOf("app.tenant"),
  },
  {
    what: "a setting by an update",
    change: sql`UPDATE pg_settings SET setting = ${"64kB"} WHERE name = ${"work_mem"}`,
    look: settingOf("work_mem"),
  },
  { what: "the role", change: sql`SELECT set_config('role', 'postgres', false)`, look: settingOf("role") },
  {
    what: "a setting by a block",
    change: rawSQL("DO $$ BEGIN SET work_mem TO '64kB'; END $$"),
    look: settingOf("work_mem"),
  },
  {
    what: "a temporary table",
    change: rawSQL("CREATE TEMP TABLE visits (id int)"),
    look: sql`SELECT to_regclass('visits')::text AS name`,
  },
  {
    what: "a temporary table of a query",
    change: sql`SELECT 1 AS id INTO TEMP visits`,
    look: sql`SELECT to_regclass('visits')::text AS name`,
  },
  {
    what: "the user",
    change: rawSQL("DO $$ BEGIN CREATE ROLE visitor SUPERUSER; SET SESSION AUTHORIZATION visitor; END $$"),
    look: sql`SELECT session_user AS name`,
  },
  {
    what: "a channel that is listened to",
    change: rawSQL("DO $$ BEGIN EXECUTE 'LISTEN visits'; END $$"),
    look: sql`SELECT pg_listening_channels() AS name`,
  },
  {
    what: "a cursor",
    change: rawSQL("DECLARE visiting CURSOR WITH HOLD FOR SELECT 1"),
    look: sql`SELECT name FROM pg_cursors WHERE name = 'visiting'`,
  },
];

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  const openStore = async () =>
    postgresStreamFactory((await server()).url(), { ...ownSchemas(), durability: "normal" });

  test.each(CHANGES)("what a transaction changes of its session ends with it: $what", async ({ change, look }) => {
    await using streams = await openStore();
    const seen = () => streams.transaction((tx) => tx.sql.all(look));
    const before = await seen();

    await streams.transaction((tx) => tx.sql.run(change));

    expect(await seen()).toEqual(before);
    await (await streams.openStream("a")).write({ type: "T", data: 1 });
  });

  test("a lock of the session ends with the transaction or the query that took it", async () => {
    await using streams = await openStore();
    const lock = sql`SELECT pg_advisory_lock(7)`;
    const held = async () => (await (await server()).query(HELD)).rowCount;

    await streams.transaction((tx) => tx.sql.run(lock));
    await expect.poll(held).toBe(0);

    const failed = new Error("no");
    const failing = streams.transaction(async (tx) => {
      await tx.sql.run(lock);
      throw failed;
    });
    expect(await failureOf(failing)).toBe(failed);
    await expect.poll(held).toBe(0);

    await streams.query(lock);
    expect(await held()).toBe(0);
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
