import { expect, test } from "vitest";
import { rawSQL, sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { SQLStatement } from "../../../protocols/index.js";
import { migrate } from "../../../src/migrations/index.js";
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
    what: "that its transactions only read",
    change: sql`SELECT set_config('default_transaction_read_only', 'on', false)`,
    look: settingOf("default_transaction_read_only"),
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
    what: "a setting by a function of an INSERT",
    change: sql`INSERT INTO rooms (id) VALUES (leave(1))`,
    look: settingOf("app.tenant"),
  },
  {
    what: "a setting by a trigger",
    change: sql`UPDATE rooms SET id = ${2}`,
    look: settingOf("app.tenant"),
  },
  {
    what: "a setting by a view",
    change: sql`SELECT id FROM leaving`,
    look: settingOf("app.tenant"),
  },
  {
    what: "the last value of a sequence",
    change: sql`INSERT INTO counted DEFAULT VALUES`,
    look: sql`SELECT last_value_of_session() AS value`,
  },
  {
    what: "a cursor",
    change: rawSQL("DECLARE visiting CURSOR WITH HOLD FOR SELECT 1"),
    look: sql`SELECT name FROM pg_cursors WHERE name = 'visiting'`,
  },
];

/** Objects whose use changes the session, which no statement shows. */
const OBJECTS = `
  CREATE FUNCTION leave(id int) RETURNS int LANGUAGE sql AS
    $$ SELECT id FROM (SELECT set_config('app.tenant', '7', false), pg_advisory_lock(7)) left_behind $$;
  CREATE FUNCTION leave() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := leave(NEW.id); RETURN NEW; END $$;
  CREATE FUNCTION last_value_of_session() RETURNS bigint LANGUAGE plpgsql AS
    $$ BEGIN RETURN lastval(); EXCEPTION WHEN object_not_in_prerequisite_state THEN RETURN NULL; END $$;
  CREATE TABLE rooms (id int);
  INSERT INTO rooms VALUES (1);
  CREATE TABLE counted (id int GENERATED ALWAYS AS IDENTITY);
  CREATE TRIGGER leave BEFORE UPDATE ON rooms FOR EACH ROW EXECUTE FUNCTION leave();
  CREATE VIEW leaving AS SELECT leave(id) AS id FROM rooms;`;

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  const openStore = async () =>
    postgresStreamFactory((await server()).url(), { ...ownSchemas(), durability: "normal" });

  test.each(CHANGES)("what a transaction changes of its session ends with it: $what", async ({ change, look }) => {
    await using streams = await openStore();
    await migrate(streams, [{ id: "1", up: OBJECTS }]);
    const seen = () => streams.transaction((tx) => tx.sql.all(look));
    const before = await seen();

    await streams.transaction((tx) => tx.sql.run(change));

    expect(await seen()).toEqual(before);
    await (await streams.openStream("a")).write({ type: "T", data: 1 });
  });

  test.each(["DEALLOCATE ALL", "DEALLOCATE ALL; PREPARE es_append_one AS SELECT 1"])(
    "a session in which a transaction runs %s is replaced behind it, and fails no other call",
    async (text) => {
      await using streams = await openStore();
      await using stream = await streams.openStream("a");
      await stream.write({ type: "T", data: 1 });
      const statements = text.split("; ").map((statement) => `EXECUTE '${statement}';`);
      const change = rawSQL(`DO $$ BEGIN ${statements.join(" ")} END $$`);

      await streams.transaction((tx) => tx.sql.run(change));
      expect(await stream.write({ type: "T", data: 2 })).toMatchObject({ version: 2 });

      await streams.transaction(async (tx) => {
        await tx.write("a", { type: "T", data: 3 });
        await tx.sql.run(change);
      });
      expect(await streams.transaction((tx) => tx.write("a", { type: "T", data: 4 }))).toMatchObject({ version: 4 });

      await failureOf(
        streams.transaction(async (tx) => {
          await tx.sql.run(change);
          throw new Error("undone");
        }),
      );
      expect(await stream.write({ type: "T", data: 5 })).toMatchObject({ version: 5 });
    },
  );

  test("a transaction that goes on behind DEALLOCATE ALL is told to leave it out", async () => {
    await using streams = await openStore();
    const failing = streams.transaction(async (tx) => {
      await tx.write("a", { type: "T", data: 1 });
      await tx.sql.run(rawSQL("DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$"));
      await tx.write("a", { type: "T", data: 2 });
    });

    expect(await failureOf(failing)).toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringMatching(
        /^Cannot write to stream "a" in .* \(DEALLOCATE\)\. Nothing was stored; leave it out/,
      ),
      retryable: false,
    });
    expect(await (await streams.openStream("a")).write({ type: "T", data: 1 })).toMatchObject({ version: 1 });
  });

  test("a transaction whose session can be reset no more is committed, and later ones have another session", async () => {
    const started = await server();
    await started.query("CREATE ROLE leaver LOGIN; GRANT CREATE ON DATABASE postgres TO leaver");
    const url = started.url().replace("postgres@", "leaver@");
    await using streams = await postgresStreamFactory(url, { ...ownSchemas(), durability: "normal" });
    const session = sql`SELECT pg_backend_pid() AS id`;

    // The reset behind a commit calls it.
    await started.query("REVOKE EXECUTE ON FUNCTION pg_advisory_unlock_all() FROM PUBLIC");
    const before = await streams.transaction(async (tx) => {
      await tx.write("a", { type: "T", data: 1 });
      return tx.sql.all(session);
    });
    await started.query("GRANT EXECUTE ON FUNCTION pg_advisory_unlock_all() TO PUBLIC");

    expect((await streams.openStream("a")).version).toBe(1);
    expect(await streams.transaction((tx) => tx.sql.all(session))).not.toEqual(before);
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

    await migrate(streams, [{ id: "1", up: OBJECTS }]);
    await streams.query(sql`SELECT id FROM leaving`);
    expect(await held()).toBe(0);
  });

  test("a transaction, or a query, that seeds random numbers does not seed those of others", async () => {
    await using streams = await postgresStreamFactory((await server()).url(), {
      ...ownSchemas(),
      durability: "normal",
      readPoolSize: 1,
    });
    const seed = sql`SELECT setseed(0.5)`;
    const draw = sql`SELECT random() AS value`;

    const drawn = async () => {
      await streams.transaction((tx) => tx.sql.run(seed));
      return streams.transaction((tx) => tx.sql.all(draw));
    };
    expect(await drawn()).not.toEqual(await drawn());

    const read = async () => {
      await streams.query(seed);
      return streams.query(draw);
    };
    expect(await read()).not.toEqual(await read());
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
