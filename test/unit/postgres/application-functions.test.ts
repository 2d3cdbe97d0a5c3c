import { expect, test } from "vitest";
import { sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { collect } from "../../conformance/support/collect.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);

  // The server takes the function whose types fit best, wherever in the path of the session it is.
  test("an append calls no function of the application's that has the name of one of the server's", async () => {
    const started = await server();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(started.url(), { ...schemas, durability: "normal" });
    await started.query(`
      CREATE FUNCTION ${schemas.applicationSchema}.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT ''::bytea $$;
      CREATE FUNCTION ${schemas.applicationSchema}.concat_ws(text, bigint, bigint, bigint) RETURNS text LANGUAGE sql
        AS $$ SELECT '7 7 7' $$`);
    await using a = await streams.openStream("a");
    await using b = await streams.openStream("b");

    expect(await a.write({ type: "T", data: 1, idempotencyKey: "k" })).toMatchObject({ version: 1, position: 1 });
    expect(await b.write({ type: "T", data: 2, idempotencyKey: "l" })).toMatchObject({ version: 1, position: 2 });
    expect(await collect(a.read())).toMatchObject([{ data: 1 }]);
  });

  test("a store with several writes, records and checks calls none that fits better than the server's", async () => {
    const started = await server();
    const schemas = ownSchemas();
    await using streams = await postgresStreamFactory(started.url(), { ...schemas, durability: "normal" });
    const schema = schemas.applicationSchema;
    await started.query(`
      CREATE FUNCTION ${schema}.unnest(bytea[]) RETURNS SETOF bytea LANGUAGE sql AS $$ SELECT ''::bytea $$;
      CREATE FUNCTION ${schema}.string_to_array(text, text, text) RETURNS text[] LANGUAGE sql AS $$ SELECT '{1}'::text[] $$;
      CREATE FUNCTION ${schema}.concat_ws(text, text, bigint, bigint, bigint, bytea) RETURNS text LANGUAGE sql
        AS $$ SELECT 'another' $$`);
    await using a = await streams.openStream("a");
    const events = ["k", "l"].map((idempotencyKey) => ({ type: "T", data: { idempotencyKey }, idempotencyKey }));

    await a.write(events);
    expect(await a.write(events)).toMatchObject({ version: 2, written: 0 });
    expect(await collect(a.read({ filter: [{ field: "id", op: "=", value: "l" }] }))).toMatchObject([{ version: 2 }]);
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 2 });
  });

  test("a transaction that looks the application's names up first stores and reads what it would without them", async () => {
    const started = await server();
    const schemas = ownSchemas();
    const schema = schemas.applicationSchema;
    await using streams = await postgresStreamFactory(started.url(), { ...schemas, durability: "normal" });
    await started.query(`
      CREATE FUNCTION ${schema}.sha256(bytea) RETURNS bytea LANGUAGE sql AS $$ SELECT 'wrong'::bytea $$;
      CREATE FUNCTION ${schema}.same(bytea, bytea) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
      CREATE OPERATOR ${schema}.= (FUNCTION = ${schema}.same, LEFTARG = bytea, RIGHTARG = bytea);
      CREATE FUNCTION ${schema}.now() RETURNS timestamptz LANGUAGE sql AS $$ SELECT NULL::timestamptz $$;
      CREATE FUNCTION ${schema}.pg_notify(text, text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE 'called'; END $$`);
    const event = { type: "T", data: 1, idempotencyKey: "k" };

    const seen = await streams.transaction(async (tx) => {
      await tx.sql.run(sql`SELECT set_config(${"search_path"}, ${`${schema}, pg_catalog`}, true)`);
      // A table makes a type of its name, too.
      await tx.sql.run(sql`CREATE TEMP TABLE bytea (x int)`);
      await tx.write("a", event);
      await tx.write("b", [event, { ...event, idempotencyKey: "l" }]);
      await tx.records.put("visits", "a", { value: 1 });
      const versions = await collect(tx.read("b"));
      const [path] = await tx.sql.all(sql`SELECT current_setting('search_path') AS path`);
      return [versions.length, await tx.records.get("visits", "a"), path];
    });

    expect(seen).toEqual([2, expect.objectContaining({ value: { value: 1 } }), { path: `${schema}, pg_catalog` }]);
    await using a = await streams.openStream("a");
    expect(await a.write(event)).toMatchObject({ version: 1, written: 0 });
    expect(await streams.transaction((tx) => tx.records.get("visits", "a"))).toMatchObject({ value: { value: 1 } });
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 3 });
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
