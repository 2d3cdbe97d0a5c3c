import { describe, expect, test } from "vitest";
import { rawSQL, sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { SQLStatement, TransactionalStreamFactory } from "../../../protocols/index.js";
import { migrate } from "../../../src/migrations/index.js";
import { type Projection, runProjections } from "../../../src/projections/index.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { readVersions } from "../../support/read-versions.js";

const server = sharedServer(THROWAWAY);

/** A store with an inline projection, which takes part in each write. */
async function withInline(tables: string, project: Projection["project"]) {
  const streams = await postgresStreamFactory((await server()).url(), { ...ownSchemas(), durability: "normal" });
  await migrate(streams, [{ id: "1", up: tables }]);
  const runner = await runProjections(streams, [{ name: "p", project }], { mode: "inline" });
  await expect.poll(() => runner.status()[0]?.state).toBe("live");
  const dispose = async (): Promise<void> => {
    await runner[Symbol.asyncDispose]();
    await streams[Symbol.asyncDispose]();
  };
  return { streams, [Symbol.asyncDispose]: dispose };
}

async function writeAtOnce(streams: TransactionalStreamFactory, streamIds: readonly string[]) {
  const opened = await Promise.all(streamIds.map((streamId) => streams.openStream(streamId)));
  return Promise.allSettled(opened.map((stream, data) => stream.write({ type: "T", data })));
}

const CHECKED_AT_THE_END = `
  CREATE TABLE parents (id int PRIMARY KEY);
  CREATE TABLE children (id int REFERENCES parents DEFERRABLE INITIALLY DEFERRED)`;

const FIRED_AT_THE_END = `
  CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
  CREATE TABLE seen (data int)`;

const settingOf = (name: string) => sql`SELECT nullif(current_setting(${name}, true), '') AS value`;

/** What a write changes for its transaction, and a query that shows it. */
const CHANGES: readonly (readonly [what: string, change: SQLStatement, look: SQLStatement])[] = [
  ["a setting", sql`SELECT set_config('app.tenant', '7', true)`, settingOf("app.tenant")],
  ["a time limit", sql`SELECT set_config('statement_timeout', '1', false)`, settingOf("statement_timeout")],
  [
    "that it only reads",
    sql`SELECT set_config('transaction_read_only', 'on', true)`,
    settingOf("transaction_read_only"),
  ],
  ["the role", sql`SELECT set_config('role', 'pg_monitor', true)`, sql`SELECT current_user`],
  ["the role, hidden", rawSQL("DO $$ BEGIN EXECUTE 'SET RO' || 'LE pg_monitor'; END $$"), sql`SELECT current_user`],
  ["the user", rawSQL("DO $$ BEGIN SET SESSION AUTHORIZATION pg_monitor; END $$"), sql`SELECT session_user`],
  ["a temporary table", rawSQL("CREATE TEMP TABLE visits (id int)"), sql`SELECT to_regclass('pg_temp.visits')`],
  [
    "a cursor",
    rawSQL("DECLARE visiting CURSOR FOR SELECT 1"),
    sql`SELECT name FROM pg_cursors WHERE name = 'visiting'`,
  ],
];

describe.skipIf(NO_POSTGRES !== null)("over PostgreSQL, writes that a projection takes part in", () => {
  test.each([1, 3])("name their stream when the commit refuses them: %d at once", async (count) => {
    await using store = await withInline(CHECKED_AT_THE_END, async (_, { sql: tables }) => {
      await tables.run(sql`INSERT INTO children (id) VALUES (1)`);
    });

    const streamIds = ["a", "b", "c"].slice(0, count);
    const outcomes = await writeAtOnce(store.streams, streamIds);

    expect(outcomes).toMatchObject(
      streamIds.map((streamId) => ({
        status: "rejected",
        reason: {
          code: "STORAGE_FAILED",
          message: expect.stringMatching(`Cannot write to stream "${streamId}" in .*foreign key`),
        },
      })),
    );
  });

  test("name their stream when the server ends their connection", async () => {
    const started = await server();
    await using store = await withInline("SELECT 1", async (_, { sql: tables }) => {
      const [session] = await tables.all(sql`SELECT pg_backend_pid() AS id`);
      await started.query("SELECT pg_terminate_backend($1, 5000)", [session?.id]);
    });

    expect(await writeAtOnce(store.streams, ["a", "b"])).toMatchObject(
      ["a", "b"].map((streamId) => ({
        status: "rejected",
        reason: { code: "STORAGE_UNAVAILABLE", message: expect.stringContaining(`write to stream "${streamId}"`) },
      })),
    );
  });

  test.each(CHANGES)("see nothing of what another has changed for its transaction: %s", async (_, change, look) => {
    const seen: unknown[] = [];
    await using store = await withInline("SELECT 1", async (events, { sql: tables }) => {
      if (events.length > 1) throw new Error("one by one");
      seen.push(await tables.all(look));
      await tables.run(change);
      if (events[0]?.data === 1) throw new Error("not this one");
    });
    const unchanged = await store.streams.transaction((tx) => tx.sql.all(look));

    const outcomes = await writeAtOnce(store.streams, ["a", "b", "c"]);

    expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(seen).toEqual([unchanged, unchanged, unchanged]);
  });

  test("are all stored, in order, where one leaves what the next may not see and what only a commit ends", async () => {
    await using store = await withInline(FIRED_AT_THE_END, async (events, { sql: tables }) => {
      if (events.length > 1) throw new Error("one by one");
      await tables.run(rawSQL("CREATE TEMP TABLE visits (id int) ON COMMIT DROP"));
      await tables.run(
        rawSQL(`CREATE CONSTRAINT TRIGGER late AFTER INSERT ON visits DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION nothing()`),
      );
      await tables.run(sql`INSERT INTO visits (id) VALUES (1)`);
      await tables.run(sql`INSERT INTO seen (data) VALUES (${events[0]?.data as number})`);
    });
    await using stream = await store.streams.openStream("a");
    const writing = [0, 1, 2].map((data) => stream.write({ type: "T", data }));
    const later = store.streams.transaction((tx) => tx.write("a", { type: "Later", data: 3 }));

    expect(await Promise.all(writing)).toMatchObject([{ version: 1 }, { version: 2 }, { version: 3 }]);
    expect(await later).toMatchObject({ version: 4 });
    expect(await readVersions(stream)).toEqual({ versions: [1, 2, 3, 4] });
    const seen = await store.streams.query(sql`SELECT data FROM seen ORDER BY data`);
    expect(seen).toEqual([0, 1, 2, 3].map((data) => ({ data })));
  });
});
