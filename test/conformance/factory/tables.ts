import type { SQLStatement, StreamFactory, TransactionalStreamFactory } from "../../../protocols/index.js";
import { name, rawSQL, sql } from "../../../src/transaction/sql-statement.js";
import type { Suite } from "../suite.js";
import { ableFor, TABLES, TRANSACTIONS } from "../support/capabilities.js";
import { failureOf, outcomesOf } from "../support/failure-of.js";
import { counted, numbersOf, wholeNumbers } from "../support/sample-events.js";
import { allEventsOf, ChangedMyMind, holdTransaction, patient } from "../support/transactions.js";

// The statements are such as SQLite and PostgreSQL both take.

function run(streams: TransactionalStreamFactory, statement: SQLStatement): Promise<{ readonly changes: number }> {
  return streams.transaction((tx) => tx.sql.run(statement));
}

const MAKE_ACCOUNTS = sql`CREATE TABLE accounts (id TEXT PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0))`;
const ACCOUNTS = sql`SELECT id, balance FROM accounts ORDER BY id`;

export function describeTables({ describe, testWith, expect }: Suite<StreamFactory>): void {
  const testSQL = (title: string, body: (streams: TransactionalStreamFactory) => Promise<void>): void =>
    testWith(TABLES, title, async (streams) => {
      await body(patient(streams));
    });

  describe("tables, where the store has SQL", () => {
    testSQL("change in one step with events and records", async (streams) => {
      await run(streams, MAKE_ACCOUNTS);
      const changed = await streams.transaction(async (tx) => {
        await tx.write("a", counted(1));
        await tx.records.put("s", "k", {});
        await tx.sql.run(sql`INSERT INTO accounts (id, balance) VALUES (${"ada"}, ${10}), (${"bob"}, ${20})`);
        return tx.sql.run(sql`UPDATE accounts SET balance = balance + ${5}`);
      });

      expect(changed).toEqual({ changes: 2 });
      expect(await streams.query(ACCOUNTS)).toEqual([
        { id: "ada", balance: 15 },
        { id: "bob", balance: 25 },
      ]);
      expect(numbersOf(await allEventsOf(streams))).toEqual([1]);
    });

    testSQL("say how many rows changed where a statement returns rows, which are left", async (streams) => {
      await run(streams, MAKE_ACCOUNTS);
      const statements = [
        sql`INSERT INTO accounts (id, balance) VALUES (${"ada"}, ${10}), (${"bob"}, ${20}) RETURNING id`,
        sql`SELECT id FROM accounts`,
        sql`/* all */ UPDATE accounts SET balance = balance + ${1} RETURNING id, balance`,
        sql`UPDATE accounts SET balance = ${0} WHERE id = ${"eve"} RETURNING id`,
        sql`WITH rich AS (SELECT id FROM accounts WHERE balance > ${20}) DELETE FROM accounts WHERE id IN (SELECT id FROM rich)`,
        sql`VALUES (1), (2)`,
        sql`INSERT INTO accounts (id, balance) VALUES (${"cid"}, ${30})`,
      ];
      const changed: number[] = [];
      for (const statement of statements) changed.push((await run(streams, statement)).changes);
      await run(streams, sql`CREATE TABLE others (id TEXT)`);
      await streams.transaction(async (tx) => {
        await tx.sql.run(sql`DELETE FROM accounts WHERE id = ${"cid"} RETURNING id`);
        await tx.sql.run(sql`DROP TABLE others`);
        await tx.write("a", counted(1));
      });

      expect(changed).toEqual([2, 0, 2, 0, 1, 0, 1]);
      expect(await streams.query(ACCOUNTS)).toEqual([{ id: "ada", balance: 11 }]);
      expect(numbersOf(await allEventsOf(streams))).toEqual([1]);
    });

    testSQL("are as before when the transaction is undone, made tables too", async (streams) => {
      await run(streams, MAKE_ACCOUNTS);
      const undone = streams.transaction(async (tx) => {
        await tx.sql.run(sql`INSERT INTO accounts (id, balance) VALUES (${"ada"}, ${10})`);
        await tx.sql.run(sql`CREATE TABLE others (id TEXT)`);
        throw new ChangedMyMind();
      });
      await failureOf(undone);

      expect(await streams.query(ACCOUNTS)).toEqual([]);
      expect(await failureOf(streams.query(sql`SELECT * FROM others`))).toMatchObject({ name: "StorageError" });
    });

    testSQL("doom the transaction with a constraint that fails, even if the error is caught", async (streams) => {
      await run(streams, MAKE_ACCOUNTS);
      const doomed = streams.transaction(async (tx) => {
        await tx.write("a", counted(1));
        await tx.sql.run(sql`INSERT INTO accounts (id, balance) VALUES (${"ada"}, ${10})`);
        await failureOf(tx.sql.run(sql`INSERT INTO accounts (id, balance) VALUES (${"bob"}, ${-1})`));
        return "a normal return";
      });

      const error = (await failureOf(doomed)) as { readonly cause?: unknown };
      expect(error).toMatchObject({ name: "StorageError", code: "STORAGE_FAILED" });
      expect(error.cause instanceof Error).toBe(true);
      expect([await streams.query(ACCOUNTS), await allEventsOf(streams)]).toEqual([[], []]);
    });

    testSQL("of neighbours that fail leave those of the others", async (streams) => {
      await run(streams, MAKE_ACCOUNTS);
      const issued = wholeNumbers(1, 9).map((number) =>
        streams.transaction(async (tx) => {
          await tx.sql.run(sql`INSERT INTO accounts (id, balance) VALUES (${`id-${number}`}, ${number})`);
          await tx.write("a", counted(number));
          if (number % 3 === 0) throw new ChangedMyMind();
          if (number % 3 === 1) await tx.sql.run(sql`INSERT INTO accounts (id, balance) VALUES (${"x"}, ${-1})`);
        }),
      );
      const { errors } = await outcomesOf(issued);

      expect(errors.length).toBe(6);
      expect(await streams.query(sql`SELECT balance FROM accounts ORDER BY balance`)).toEqual(
        [2, 5, 8].map((balance) => ({ balance })),
      );
      expect(numbersOf(await allEventsOf(streams))).toEqual([2, 5, 8]);
    });

    testSQL("are seen by a query as they were committed", async (streams) => {
      await run(streams, MAKE_ACCOUNTS);
      const held = holdTransaction(streams, async (tx) => {
        await tx.sql.run(sql`INSERT INTO accounts (id, balance) VALUES (${"ada"}, ${10})`);
        expect(await tx.sql.all(ACCOUNTS)).toEqual([{ id: "ada", balance: 10 }]);
      });
      await held.hasBegun;
      // A store with one connection answers the query after the transaction.
      const meanwhile = streams.query(ACCOUNTS);
      held.finish();
      await held.result;

      expect((await meanwhile).length <= 1).toBe(true);
      expect(await streams.query(ACCOUNTS)).toEqual([{ id: "ada", balance: 10 }]);
    });

    testSQL("take values that are never text, and names that are quoted", async (streams) => {
      const odd = 'say "hi"; -- x';
      await run(streams, sql`CREATE TABLE ${name(odd)} (${name("select")} TEXT)`);
      const injection = "'); DROP TABLE accounts; --";
      await run(streams, sql`INSERT INTO ${name(odd)} (${name("select")}) VALUES (${injection}), (${null})`);

      const rows = await streams.query(
        sql`SELECT ${name("select")} AS value FROM ${name(odd)} WHERE ${name("select")} = ${injection}`,
      );
      expect(rows).toEqual([{ value: injection }]);
    });

    testSQL(
      "take a statement's values as they are when it is given, also where it waits for its turn",
      async (streams) => {
        await run(
          streams,
          sql`CREATE TABLE readings (id INTEGER PRIMARY KEY, amount INTEGER NOT NULL, label TEXT NOT NULL)`,
        );
        await streams.transaction(async (tx) => {
          const placeholders = tx.sql.dialect === "sqlite" ? "?, ?, ?" : "$1, $2, $3";
          const values = [0, 0, ""] as [number, number, string];
          const calls = wholeNumbers(1, 3).map((id) => {
            values.splice(0, 3, id, id * 10, `reading ${id}`);
            return tx.sql.run(rawSQL(`INSERT INTO readings (id, amount, label) VALUES (${placeholders})`, values));
          });
          await Promise.all(calls);
        });
        expect(await streams.query(sql`SELECT amount, label FROM readings ORDER BY id`)).toEqual([
          { amount: 10, label: "reading 1" },
          { amount: 20, label: "reading 2" },
          { amount: 30, label: "reading 3" },
        ]);

        const bytes = new Uint8Array([1]);
        const read = await streams.transaction(async (tx) => {
          const calls = [1, 2, 3].map((byte) => {
            bytes[0] = byte;
            return tx.sql.dialect === "sqlite"
              ? tx.sql.all<{ bytes: Uint8Array }>(sql`SELECT ${bytes} AS bytes`)
              : tx.sql.all<{ bytes: Uint8Array }>(rawSQL("SELECT $1::bytea AS bytes", [bytes]));
          });
          bytes[0] = 9;
          return Promise.all(calls);
        });
        expect(read.map(([row]) => row?.bytes[0])).toEqual([1, 2, 3]);
      },
    );

    testSQL("take text with the database's own placeholders", async (streams) => {
      await run(streams, MAKE_ACCOUNTS);
      await streams.transaction(async (tx) => {
        const [first, second] = tx.sql.dialect === "sqlite" ? ["?", "?"] : ["$1", "$2"];
        await tx.sql.run(rawSQL(`INSERT INTO accounts (id, balance) VALUES (${first}, ${second})`, ["ada", 10]));
        expect(await tx.sql.all(rawSQL("SELECT balance FROM accounts"))).toEqual([{ balance: 10 }]);
      });
    });

    testSQL("give whole numbers back as numbers, those of count too", async (streams) => {
      await run(streams, sql`CREATE TABLE numbers (n BIGINT)`);
      await run(streams, sql`INSERT INTO numbers (n) VALUES (${Number.MAX_SAFE_INTEGER}), (${-7})`);

      expect(await streams.query(sql`SELECT n FROM numbers ORDER BY n`)).toEqual([
        { n: -7 },
        { n: Number.MAX_SAFE_INTEGER },
      ]);
      expect(await streams.query(sql`SELECT count(*) AS amount FROM numbers`)).toEqual([{ amount: 2 }]);
    });

    testSQL("say how many rows were changed, and 0 where none were", async (streams) => {
      await run(streams, MAKE_ACCOUNTS);
      await run(streams, sql`INSERT INTO accounts (id, balance) VALUES (${"ada"}, ${1})`);

      expect(await run(streams, sql`DELETE FROM accounts WHERE id = ${"bob"}`)).toEqual({ changes: 0 });
      await streams.transaction(async (tx) => {
        expect(await tx.sql.run(sql`UPDATE accounts SET balance = ${2}`)).toEqual({ changes: 1 });
        expect(await tx.sql.run(sql`CREATE INDEX balances ON accounts (balance)`)).toEqual({ changes: 0 });
      });
      const all = sql`WITH found AS (SELECT id FROM accounts)`;
      expect(await run(streams, sql`${all} UPDATE accounts SET balance = ${3}`)).toEqual({ changes: 1 });
      expect(await run(streams, sql`DELETE FROM accounts`)).toEqual({ changes: 1 });
    });

    const forbidden = ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT x", "RELEASE x", "VACUUM", "/* a */ -- b\n commit"];
    const others = ["PRAGMA user_version", "ATTACH 'x' AS y", "DETACH y", "SELECT 1; SELECT 2", "SELECT '\ud800'", ""];
    for (const text of [...forbidden, ...others]) {
      testSQL(`refuse what is not one allowed statement: ${JSON.stringify(text)}`, async (streams) => {
        const refused = { code: "INVALID_ARGUMENT", argument: "statement" };

        expect(await failureOf(run(streams, rawSQL(text)))).toMatchObject(refused);
        expect(await failureOf(streams.query(rawSQL(text)))).toMatchObject(refused);
        expect(await streams.transaction(async () => "goes on")).toBe("goes on");
      });
    }

    testSQL("are not changed by a query", async (streams) => {
      await run(streams, MAKE_ACCOUNTS);

      const writing = streams.query(sql`INSERT INTO accounts (id, balance) VALUES (${"ada"}, ${1}) RETURNING id`);
      expect(await failureOf(writing)).toMatchObject({ name: "StorageError" });
      expect(await streams.query(ACCOUNTS)).toEqual([]);
    });

    testSQL("name the statement's fault: a syntax error is a StorageError with its cause", async (streams) => {
      const error = (await failureOf(streams.query(sql`SELEKT 1`))) as { readonly cause?: unknown };

      expect(error).toMatchObject({ name: "StorageError", code: "STORAGE_FAILED" });
      expect(error.cause instanceof Error).toBe(true);
    });
  });

  describe("a store without SQL, and statements that cannot be", () => {
    testWith(TRANSACTIONS, "are told by their codes", async (hasty) => {
      const streams = patient(hasty);
      const able = (await ableFor(streams, TABLES)) !== null;
      const query = streams.query(sql`SELECT 1 AS one`);
      if (able) expect(await query).toEqual([{ one: 1 }]);
      else expect(await failureOf(query)).toMatchObject({ name: "StorageError", code: "STORAGE_UNSUPPORTED" });
      const refused = { code: "INVALID_ARGUMENT", argument: "statement" };

      for (const statement of ["SELECT 1", null, sql`SELECT ${new Date() as never}`, sql`SELECT ${1n as never}`]) {
        expect(await failureOf(streams.query(statement as SQLStatement))).toMatchObject(refused);
      }
    });

    testWith(TRANSACTIONS, "end with the reason of a signal that is aborted already", async (streams) => {
      const reason = new Error("changed my mind");

      expect(await failureOf(streams.query(sql`SELECT 1`, { signal: AbortSignal.abort(reason) }))).toBe(reason);
    });

    testWith(TRANSACTIONS, "refuse options that there are not", async (streams) => {
      for (const [options, argument] of [
        [null, "options"],
        [{ timeoutMs: 1 }, "timeoutMs"],
        [{ signal: 1 }, "signal"],
      ] as const) {
        const error = await failureOf(streams.query(sql`SELECT 1`, options as never));
        expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
      }
    });
  });
}
