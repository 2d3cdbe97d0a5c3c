import { expect, test } from "vitest";
import { rawSQL, sql } from "../../../index.js";
import { postgresStreamFactory } from "../../../postgres.js";
import type { StorageError } from "../../../protocols/index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

/** Statements that fail because of what is bound to them. */
const REFUSED = [
  [sql`SELECT ${"secret"}::int`, "invalid input syntax for type integer"],
  [sql`SELECT ${"12345678901234567890"}::int`, 'value "..." is out of range for type integer'],
  [sql`SELECT to_date(${"secret"}, 'YYYY')`, 'invalid value "..."'],
  [sql`SELECT now() AT TIME ZONE ${"secret"}`, 'time zone "..." not recognized'],
  [sql`SELECT make_date(${12345}::int, 13, 1)`, "date field value out of range"],
  [sql`SELECT make_date(${-12345}::int, 13, 1)`, "date field value out of range"],
  [sql`SELECT ${"secret"}::regclass`, 'relation "..." does not exist'],
  [sql`SELECT ${"Secret"}::regclass`, 'relation "..." does not exist'],
  [sql`SELECT current_setting(${"secret"})`, 'unrecognized configuration parameter "..."'],
  [sql`SELECT ${"a secret"}::tsquery`, 'syntax error in tsquery: "..."'],
  // Of a schema, or from PostgreSQL 16 on of a relation.
  [sql`SELECT ${"Secret.a"}::regclass`, '"..." does not exist'],
  [sql`SELECT has_schema_privilege(${"Secret"}, 'USAGE')`, 'schema "..." does not exist'],
  [sql`SELECT ${"a.b.Secret"}::regclass`, 'cross-database references are not implemented: "..."'],
  [sql`SELECT ${"a Secret b"}::regtype`, 'syntax error at or near "..."'],
  [sql`SELECT ${"Secret"}::regoper`, "operator does not exist: ..."],
  [sql`SELECT query_to_xml(${"SELECT secret, 'a"}, true, true, '')`, 'unterminated quoted string at or near "..."'],
  [sql`SELECT query_to_xml(${"SELECT secret"}, true, true, '')`, 'column "..." does not exist'],
  [sql`SELECT ${"\0"}`, 'invalid byte sequence for encoding "UTF8"'],
] as const;

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  const openStore = async () =>
    postgresStreamFactory((await server()).url(), { ...ownSchemas(), durability: "normal" });

  test("an error says what was wrong with a value, and not the value", async () => {
    await using streams = await openStore();
    for (const [statement, reason] of REFUSED) {
      const error = (await failureOf(streams.query(statement))) as StorageError;
      expect(error).toMatchObject({ code: "STORAGE_FAILED", message: expect.stringContaining(reason) });
      const told = JSON.stringify([error.message, error.stack, error.cause, String(error.cause)]);
      expect(told).not.toMatch(/secr|12345/i);
    }
  });

  test("an error of a function of the application's does not have the value that it names", async () => {
    await using streams = await openStore();
    const body = "BEGIN RAISE 'no % of % is left', p_count, p_name; END";
    await streams.transaction((tx) =>
      tx.sql.run(
        rawSQL(`CREATE FUNCTION refuse(p_name text, p_count int) RETURNS int LANGUAGE plpgsql AS $$ ${body} $$`),
      ),
    );
    const error = await failureOf(streams.query(sql`SELECT refuse(${"Secret"}, ${12345})`));
    expect(error).toMatchObject({ message: expect.stringContaining("no ... of ... is left") });
    const small = await failureOf(streams.query(sql`SELECT refuse(${"Secret"}, ${2})`));
    expect(small).toMatchObject({ message: expect.stringContaining("no ... of ... is left") });
    const refusing = "BEGIN RAISE 'no % is left', p_name USING ERRCODE = 'invalid_parameter_value'; END";
    await streams.transaction((tx) =>
      tx.sql.run(rawSQL(`CREATE FUNCTION refuse(p_name text) RETURNS int LANGUAGE plpgsql AS $$ ${refusing} $$`)),
    );
    const invalid = await failureOf(streams.query(sql`SELECT refuse(${"Secret"})`));
    expect(invalid).toMatchObject({ message: expect.stringContaining("no ... is left") });
  });

  test("an error of a statement with many values, and one with a long message, keeps what it says without them", async () => {
    await using streams = await openStore();
    const body = "BEGIN RAISE 'not %', repeat(p_text || ' ', 20000); END";
    const create = `CREATE FUNCTION refuse_often(p_text text) RETURNS int LANGUAGE plpgsql AS $$ ${body} $$`;
    const count = 40_000;
    const rows = Array.from({ length: count }, (_, index) => `($${index + 1}::int)`).join(", ");
    const numbers = Array.from({ length: count }, (_, index) => (index === 0 ? count : index));
    await streams.transaction((tx) => tx.sql.run(rawSQL(create)));
    const often = await failureOf(streams.query(sql`SELECT refuse_often(${"İ Secret"})`));
    expect(often).toMatchObject({ message: expect.stringContaining("not ... ... ...") });
    expect(often).toMatchObject({ message: expect.not.stringContaining("Secret") });
    const many = await failureOf(streams.query(rawSQL(`SELECT 1 FROM orders WHERE id IN (VALUES ${rows})`, numbers)));
    expect(many).toMatchObject({ message: expect.stringContaining('relation "orders" does not exist') });
  });

  test("an error says which names of the statement there are not", async () => {
    await using streams = await openStore();
    const error = await failureOf(streams.query(sql`SELECT * FROM orders WHERE id = ${"a"}`));
    expect(error).toMatchObject({ message: expect.stringContaining('relation "orders" does not exist') });
    const text = JSON.stringify({ orders: "relation" });
    const ofText = await failureOf(streams.query(sql`SELECT * FROM orders WHERE id IN (${text}, ${"orders"})`));
    expect(ofText).toMatchObject({ message: expect.stringContaining('relation "orders" does not exist') });
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
