import {
  isStreamError,
  type SQLValue,
  type StreamFactory,
  type TransactionalStreamFactory,
} from "../../../protocols/index.js";
import { type Migration, migrate } from "../../../src/migrations/index.js";
import { rawSQL, sql } from "../../../src/transaction/sql-statement.js";
import type { Suite } from "../suite.js";
import { TRANSACTIONS } from "../support/capabilities.js";
import { failureOf } from "../support/failure-of.js";
import { counted, numbersOf } from "../support/sample-events.js";
import { allEventsOf, patient } from "../support/transactions.js";

// The statements are such as SQLite and PostgreSQL both take.

/** Whether a store takes migrations of a kind. */
async function takes(streams: TransactionalStreamFactory, list: readonly Migration[]): Promise<boolean> {
  try {
    await migrate(streams, list);
    return true;
  } catch (error) {
    if (isStreamError(error, "STORAGE_UNSUPPORTED")) return false;
    throw error;
  }
}

const START: Migration = { id: "0000_start", up: "CREATE TABLE started (x INTEGER); INSERT INTO started VALUES (1)" };

/** A migration that makes a table with a row, and drops it. */
function making(table: string): Migration {
  return {
    id: table,
    up: async ({ sql: tables }) => {
      await tables.run(rawSQL(`CREATE TABLE ${table} (x INTEGER)`));
      await tables.run(rawSQL(`INSERT INTO ${table} VALUES (1)`));
    },
    down: ({ sql: tables }) => tables.run(rawSQL(`DROP TABLE ${table}`)),
  };
}

/** The rows of a table; null where it is not there. */
async function rowsOf(streams: TransactionalStreamFactory, table: string): Promise<Record<string, SQLValue>[] | null> {
  try {
    return await streams.query(rawSQL(`SELECT x FROM ${table}`));
  } catch (error) {
    if (isStreamError(error, "STORAGE_FAILED")) return null;
    throw error;
  }
}

export function describeMigrations({ describe, testWith, expect }: Suite<StreamFactory>): void {
  const testWhere = (known: Migration[], title: string, body: (streams: TransactionalStreamFactory) => Promise<void>) =>
    testWith(TRANSACTIONS, title, async (hasty) => {
      if (await takes(patient(hasty), known)) await body(patient(hasty));
    });

  describe("migrations, where the store has SQL", () => {
    testWhere([], "run once, in order, and go back in reverse order", async (streams) => {
      const list = [making("a"), making("b"), making("c")];

      expect(await migrate(streams, list, { to: "b" })).toEqual({ applied: ["a", "b"], reverted: [] });
      const both = await Promise.all([migrate(streams, list), migrate(streams, list)]);
      expect(both.flatMap(({ applied }) => applied)).toEqual(["c"]);
      expect(await rowsOf(streams, "c")).toEqual([{ x: 1 }]);
      expect(await migrate(streams, list, { to: "a" })).toEqual({ applied: [], reverted: ["c", "b"] });
      expect([await rowsOf(streams, "a"), await rowsOf(streams, "b")]).toEqual([[{ x: 1 }], null]);
    });

    testWhere([], "leave nothing where they fail, and nothing of their neighbours is lost", async (streams) => {
      const reason = new Error("on purpose");
      const failing: Migration = {
        id: "b",
        up: async ({ sql: tables }) => {
          await tables.run(sql`CREATE TABLE b (x INTEGER)`);
          throw reason;
        },
      };
      const before = streams.transaction((tx) => tx.write("s", counted(1)));
      const migrating = failureOf(migrate(streams, [making("a"), failing]));
      const after = streams.transaction((tx) => tx.write("s", counted(2)));
      await Promise.all([before, after]);

      expect(await migrating).toBe(reason);
      expect([await rowsOf(streams, "a"), await rowsOf(streams, "b")]).toEqual([[{ x: 1 }], null]);
      expect(numbersOf(await allEventsOf(streams))).toEqual([1, 2]);
      expect(await migrate(streams, [making("a"), making("b")])).toEqual({ applied: ["b"], reverted: [] });
    });

    testWhere([START], "may be texts of several statements, which run completely or leave nothing", async (streams) => {
      const failing = { id: "b", up: "CREATE TABLE b (x INTEGER); INSERT INTO missing VALUES (1)" };

      expect(await rowsOf(streams, "started")).toEqual([{ x: 1 }]);
      expect(await failureOf(migrate(streams, [START, failing]))).toMatchObject({ code: "STORAGE_FAILED" });
      expect(await rowsOf(streams, "b")).toBe(null);
      const changed = { ...START, up: "CREATE TABLE started (x INTEGER)" };
      expect(await failureOf(migrate(streams, [changed]))).toMatchObject({ code: "MIGRATION_CHANGED", id: START.id });
    });

    for (const statement of ["COMMIT", "ROLLBACK", "BEGIN", "SAVEPOINT x", "VACUUM"]) {
      testWhere([START], `may be no texts with ${statement} in them, which leave nothing`, async (streams) => {
        const ending = { id: "b", up: `CREATE TABLE b (x INTEGER); -- ;\n ${statement}; CREATE TABLE c (x INTEGER)` };

        expect(await failureOf(migrate(streams, [START, ending]))).toMatchObject({ code: "INVALID_ARGUMENT" });
        expect([await rowsOf(streams, "b"), await rowsOf(streams, "c")]).toEqual([null, null]);
        expect((await migrate(streams, [START])).applied).toEqual([]);
      });
    }

    testWhere([], "end with the reason of their signal, and leave nothing", async (streams) => {
      const controller = new AbortController();
      const reason = new Error("no longer wanted");
      const endless: Migration = {
        id: "b",
        up: async ({ sql: tables }) => {
          await tables.run(sql`CREATE TABLE b (x INTEGER)`);
          controller.abort(reason);
          await new Promise(() => undefined);
        },
      };

      expect(await failureOf(migrate(streams, [endless], { signal: controller.signal }))).toBe(reason);
      expect(await rowsOf(streams, "b")).toBe(null);
      expect((await migrate(streams, [making("b")])).applied).toEqual(["b"]);
    });
  });
}
