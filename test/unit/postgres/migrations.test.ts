import { expect, test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { type Migration, migrate } from "../../../src/migrations/index.js";
import { rawSQL, sql } from "../../../src/transaction/sql-statement.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

// The conformance suite leaves migrations out where a store takes none. These fail then.

const ACCOUNTS: Migration = {
  id: "0001_accounts",
  up: `
    CREATE TABLE accounts (id text PRIMARY KEY, balance bigint NOT NULL, changes integer NOT NULL DEFAULT 0);
    INSERT INTO accounts (id, balance) VALUES ('a', 100);`,
  down: "DROP TABLE accounts",
};

const COUNTED: Migration = {
  id: "0002_counted_changes",
  up: `
    CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      NEW.changes := OLD.changes + 1; -- COMMIT;
      RETURN NEW;
    END $$;
    CREATE TRIGGER counting BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION count_change();`,
  down: "DROP TRIGGER counting ON accounts; DROP FUNCTION count_change()",
};

const DOUBLED: Migration = {
  id: "0003_doubled",
  up: ({ sql: tables }) => tables.run(sql`UPDATE accounts SET balance = ${2} * balance`),
};

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  const opened = async (schemas = ownSchemas()) =>
    postgresStreamFactory((await server()).url(), { ...schemas, durability: "normal" });
  const accounts = rawSQL("SELECT balance, changes FROM accounts");

  test("texts with functions and triggers, and callbacks, run once, and texts go back", async () => {
    await using streams = await opened();
    const list = [ACCOUNTS, COUNTED, DOUBLED];

    expect((await migrate(streams, list)).applied).toEqual(list.map(({ id }) => id));
    expect(await streams.query(accounts)).toEqual([{ balance: 200, changes: 1 }]);
    expect(await migrate(streams, list)).toEqual({ applied: [], reverted: [] });
    const texts = [ACCOUNTS, COUNTED];
    await using other = await opened();
    await migrate(other, texts);
    expect(await migrate(other, texts, { to: null })).toEqual({ applied: [], reverted: [COUNTED.id, ACCOUNTS.id] });
    expect(await failureOf(other.query(accounts))).toMatchObject({ code: "STORAGE_FAILED" });
  });

  test.each(["INSERT INTO missing VALUES (1)", "DROP TABLE es_events", "SELEC 1"])(
    "a text that fails is said with its migration: %s",
    async (statement) => {
      await using streams = await opened();
      const failing = { id: "0002_bad", up: `CREATE TABLE bad (x integer); ${statement}` };

      const { message } = (await failureOf(migrate(streams, [ACCOUNTS, failing]))) as Error;
      expect(message).toMatch(/^Cannot apply migration "0002_bad"/);
    },
  );

  test("stores that start together run each migration once", async () => {
    const schemas = ownSchemas();
    await using first = await opened(schemas);
    await using second = await opened(schemas);
    const runs = await Promise.all([first, second].map((streams) => migrate(streams, [ACCOUNTS, COUNTED, DOUBLED])));

    // Either store may run each of them.
    expect(runs.flatMap(({ applied }) => applied).sort()).toEqual([ACCOUNTS.id, COUNTED.id, DOUBLED.id]);
    expect(await second.query(accounts)).toEqual([{ balance: 200, changes: 1 }]);
  });

  test("one that fails leaves no table, and its index is not built without its transaction", async () => {
    await using streams = await opened();
    const failing = {
      id: "0001_failing",
      up: `${ACCOUNTS.up} CREATE INDEX CONCURRENTLY by_balance ON accounts (balance)`,
    };

    expect(await failureOf(migrate(streams, [failing]))).toMatchObject({ code: "STORAGE_FAILED" });
    expect(await failureOf(streams.query(accounts))).toMatchObject({ code: "STORAGE_FAILED" });
    expect((await migrate(streams, [ACCOUNTS])).applied).toEqual([ACCOUNTS.id]);
  });
} else {
  test(NO_POSTGRES, () => undefined);
}
