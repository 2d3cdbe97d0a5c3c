import { describe, expect, test } from "vitest";
import { rawSQL, sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { StoredEvent } from "../../../protocols/index.js";
import { migrate } from "../../../src/migrations/index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

const server = sharedServer(THROWAWAY);
const openStore = async () => postgresStreamFactory((await server()).url(), { ...ownSchemas(), durability: "normal" });

async function contentsOf(events: AsyncIterable<StoredEvent>) {
  const contents: unknown[] = [];
  for await (const { streamId, type, data } of events) contents.push({ streamId, type, data });
  return contents;
}

const ROLE = sql`SELECT current_user::text AS name`;

describe.skipIf(NO_POSTGRES !== null)("over PostgreSQL, what a statement sets for its transaction", () => {
  test.each([
    ["by a function", sql`SELECT set_config(${"role"}, ${"tenant_a"}, true)`],
    ["by a block", rawSQL("DO $$ BEGIN SET LOCAL ROLE tenant_a; END $$")],
  ])(
    "is the role of the application's statements, and not of what else the transaction does: %s",
    async (_, change) => {
      const started = await server();
      await started.query("DROP ROLE IF EXISTS tenant_a; CREATE ROLE tenant_a");
      await using streams = await openStore();

      const names = await streams.transaction(async (tx) => {
        const before = await tx.sql.all(ROLE);
        await tx.sql.run(change);
        await tx.write("a", { type: "T", data: 1 });
        const between = await tx.sql.all(ROLE);
        const versions: number[] = [];
        for await (const { version } of tx.read("a")) versions.push(version);
        return [before, between, await tx.sql.all(ROLE), versions];
      });

      expect(names).toEqual([[{ name: "postgres" }], [{ name: "tenant_a" }], [{ name: "tenant_a" }], [1]]);
      expect(await streams.transaction((tx) => tx.sql.all(ROLE))).toEqual([{ name: "postgres" }]);
      await streams.transaction((tx) => tx.sql.run(change));
      expect((await streams.openStream("a")).version).toBe(1);
    },
  );

  test("is a role that a function hides, of which its writes and its commit are independent", async () => {
    const started = await server();
    await started.query("DROP ROLE IF EXISTS tenant_d; CREATE ROLE tenant_d");
    await using streams = await openStore();
    await migrate(streams, [
      {
        id: "1",
        up: `CREATE TABLE rooms (id int); GRANT INSERT ON rooms TO tenant_d;
          CREATE FUNCTION login() RETURNS text LANGUAGE sql AS $$ SELECT set_config('role', 'tenant_d', true) $$;
          DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO tenant_d', current_schema()); END $$`,
      },
    ]);
    const login = sql`SELECT login()`;

    await streams.transaction(async (tx) => {
      await tx.write("a", { type: "T", data: 1 });
      await tx.sql.run(login);
      await tx.sql.run(sql`INSERT INTO rooms (id) VALUES (1)`);
    });
    const roles = await streams.transaction(async (tx) => {
      await tx.sql.run(login);
      await tx.write("a", { type: "T", data: 2 });
      return tx.sql.all(ROLE);
    });

    expect(roles).toEqual([{ name: "tenant_d" }]);
    expect((await streams.openStream("a")).version).toBe(2);
  });

  test("is another user, who has no rights to the library's tables", async () => {
    const started = await server();
    await started.query("DROP ROLE IF EXISTS tenant_e; CREATE ROLE tenant_e");
    await using streams = await openStore();

    const failing = streams.transaction(async (tx) => {
      await tx.sql.run(rawSQL("DO $$ BEGIN SET LOCAL SESSION AUTHORIZATION tenant_e; END $$"));
      await tx.write("a", { type: "T", data: 1 });
    });

    expect(await failureOf(failing)).toMatchObject({
      code: "STORAGE_PERMISSION_DENIED",
      message: expect.stringMatching(/^Cannot write to stream "a" in .* another user .* write before/),
    });
    expect((await streams.openStream("a")).version).toBe(0);
  });

  test("does not change how the library's functions read JSON", async () => {
    await using streams = await openStore();

    const found = await streams.transaction(async (tx) => {
      await tx.sql.run(
        sql`SELECT set_config('standard_conforming_strings', 'off', true), set_config('jit', 'on', true)`,
      );
      await tx.write("a", { type: "T", data: { name: "\\a" } });
      return contentsOf(tx.read("a", { filter: [{ field: "data.name", op: "=", value: "\\a" }] }));
    });

    expect(found).toEqual([{ streamId: "a", type: "T", data: { name: "\\a" } }]);
  });

  test("is an encoding that cannot be read in the statement that sets it, and has no effect on others", async () => {
    await using streams = await openStore();
    const both = sql`SELECT set_config('client_encoding', 'LATIN1', true) AS encoding, ${"ä"}::text AS name`;
    const refused = {
      code: "STORAGE_FAILED",
      message: expect.stringContaining(
        "texts in another encoding than UTF8; set client_encoding in a statement of its own",
      ),
    };

    expect(await failureOf(streams.transaction((tx) => tx.sql.all(both)))).toMatchObject(refused);
    expect(await failureOf(streams.query(both))).toMatchObject(refused);
    expect(await streams.query(sql`SELECT ${"ä"}::text AS name`)).toEqual([{ name: "ä" }]);
  });

  test("does not change how arrays are read", async () => {
    await using streams = await openStore();

    const setting = await streams.transaction(async (tx) => {
      await tx.sql.run(sql`SELECT set_config('array_nulls', 'off', true)`);
      await tx.write("a", [
        { type: "T", data: 1 },
        { type: "T", data: new Uint8Array([2]) },
      ]);
      return tx.sql.all(sql`SELECT current_setting('array_nulls') AS value`);
    });

    expect(setting).toEqual([{ value: "off" }]);
    expect(await contentsOf((await streams.openStream("a")).read())).toMatchObject([
      { data: 1 },
      { data: new Uint8Array([2]) },
    ]);
    expect(await streams.verify()).toMatchObject({ ok: true });
  });

  test("is the role of triggers that wait for the commit", async () => {
    const started = await server();
    await started.query("DROP ROLE IF EXISTS tenant_b; CREATE ROLE tenant_b");
    await using streams = await openStore();
    await migrate(streams, [
      {
        id: "1",
        up: `CREATE TABLE rooms (id int); GRANT ALL ON rooms TO tenant_b;
          CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF current_user = 'tenant_b' THEN RAISE 'refused for %', current_user; END IF; RETURN NULL; END $$;
          CREATE CONSTRAINT TRIGGER late AFTER INSERT ON rooms DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION refuse();
          DO $$ BEGIN EXECUTE format('GRANT USAGE ON SCHEMA %I TO tenant_b', current_schema()); END $$`,
      },
    ]);

    const failing = streams.transaction(async (tx) => {
      await tx.sql.run(sql`SELECT set_config('role', 'tenant_b', true)`);
      await tx.sql.run(sql`INSERT INTO rooms (id) VALUES (1)`);
      await tx.write("a", { type: "T", data: 1 });
    });

    expect(await failureOf(failing)).toMatchObject({ message: expect.stringContaining("refused for tenant_b") });
    expect((await streams.openStream("a")).version).toBe(0);
  });

  test("does not change how bytes and texts are read and stored", async () => {
    await using streams = await openStore();
    const id = "\\ä€\u0007x";
    await migrate(streams, [
      {
        id: "1",
        up: `CREATE FUNCTION leave() RETURNS text LANGUAGE sql AS
          $$ SELECT set_config('bytea_output', 'escape', true) || set_config('client_encoding', 'LATIN1', true) $$`,
      },
    ]);

    const read = await streams.transaction(async (tx) => {
      await tx.sql.run(sql`SELECT leave()`);
      const bytes = await tx.sql.all(
        sql`SELECT ${new Uint8Array([0, 92, 120, 200])}::bytea AS bytes, ${"ä€"}::text AS text`,
      );
      await tx.write(id, { type: "Geändert", data: "ä€" });
      return [bytes, await contentsOf(tx.read(id))];
    });

    const stored = { streamId: id, type: "Geändert", data: "ä€" };
    expect(read).toEqual([[{ bytes: new Uint8Array([0, 92, 120, 200]), text: "ä€" }], [stored]]);
    const stream = await streams.openStream(id);
    expect(await contentsOf(stream.read())).toEqual([stored]);
    expect(await streams.verify()).toMatchObject({ ok: true });
  });

  test("is not taken for trouble of the commit where a trigger that waits for it warns", async () => {
    await using streams = await openStore();
    await migrate(streams, [
      {
        id: "1",
        up: `CREATE TABLE rooms (id int);
          CREATE FUNCTION warn() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'full'; RETURN NULL; END $$;
          CREATE CONSTRAINT TRIGGER late AFTER INSERT ON rooms DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION warn()`,
      },
    ]);
    const session = sql`SELECT pg_backend_pid() AS id`;
    const insert = sql`INSERT INTO rooms (id) VALUES (1)`;

    const before = await streams.transaction(async (tx) => {
      await tx.sql.run(insert);
      return tx.sql.all(session);
    });

    // A connection whose commit is in doubt is given up.
    expect(await streams.transaction((tx) => tx.sql.all(session))).toEqual(before);
  });
});
