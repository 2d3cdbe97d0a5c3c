import { describe, expect, onTestFinished, test, vi } from "vitest";
import { openSQLiteBackend, type SQLiteStreamFactory, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { StorageError } from "../../../protocols/index.js";
import { type Migration, type MigrationContext, migrate } from "../../../src/migrations/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { rawSQL, sql } from "../../../src/transaction/sql-statement.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const accounts: Migration = {
  id: "0001_accounts",
  up: "CREATE TABLE accounts (id TEXT PRIMARY KEY, balance INTEGER NOT NULL) STRICT",
  down: "DROP TABLE accounts",
};
const owner: Migration = {
  id: "0002_owner",
  up: `ALTER TABLE accounts ADD COLUMN owner TEXT;
    CREATE INDEX accounts_by_owner ON accounts (owner);`,
  down: "DROP INDEX accounts_by_owner; ALTER TABLE accounts DROP COLUMN owner",
};
const opening: Migration = {
  id: "0003_opening",
  up: async ({ sql: tables }) => {
    await tables.run(sql`INSERT INTO accounts (id, balance) VALUES (${"bank"}, ${1_000})`);
  },
  down: async ({ sql: tables }) => {
    await tables.run(sql`DELETE FROM accounts WHERE id = ${"bank"}`);
  },
};
const ALL = [accounts, owner, opening];

/** A migration that does nothing but make a table. */
const making = (id: string): Migration => ({ id, up: `CREATE TABLE ${id} (x)`, down: `DROP TABLE ${id}` });

/** The tables and indexes of the application. */
async function namesIn(streams: SQLiteStreamFactory): Promise<string[]> {
  const names =
    "SELECT name FROM sqlite_schema WHERE name NOT LIKE 'es@_%' ESCAPE '@' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'";
  return (await streams.query<{ name: string }>(rawSQL(`${names} ORDER BY name`))).map(({ name }) => name);
}

describe.each(DRIVER_NAMES)("migrate, over %s", (driver) => {
  const open = (path = ":memory:") => sqliteStreamFactory(path, { driver, findMisuse: true });

  test("applies what was not applied, in order, and nothing the second time", async () => {
    await using streams = await open();
    expect(await migrate(streams, ALL.slice(0, 1))).toEqual({ applied: ["0001_accounts"], reverted: [] });
    expect(await migrate(streams, ALL)).toEqual({ applied: ["0002_owner", "0003_opening"], reverted: [] });
    expect(await migrate(streams, ALL)).toEqual({ applied: [], reverted: [] });
    expect(await streams.query(sql`SELECT * FROM accounts`)).toEqual([{ id: "bank", balance: 1_000, owner: null }]);
  });

  test("stops at `to`, and goes back in reverse order", async () => {
    await using streams = await open();
    expect(await migrate(streams, ALL, { to: "0001_accounts" })).toEqual({ applied: ["0001_accounts"], reverted: [] });
    await migrate(streams, ALL);
    const back = { applied: [], reverted: ["0003_opening", "0002_owner"] };
    expect(await migrate(streams, ALL, { to: "0001_accounts" })).toEqual(back);
    expect(await namesIn(streams)).toEqual(["accounts"]);
    expect(await migrate(streams, ALL, { to: null })).toEqual({ applied: [], reverted: ["0001_accounts"] });
    expect(await namesIn(streams)).toEqual([]);
    expect((await migrate(streams, ALL)).applied).toEqual(ALL.map(({ id }) => id));
  });

  test("goes back before it applies one that came between", async () => {
    await using streams = await open();
    await migrate(streams, [making("a"), making("c")]);
    const report = await migrate(streams, [making("a"), making("b"), making("c")], { to: "b" });
    expect(report).toEqual({ applied: ["b"], reverted: ["c"] });
    expect(await namesIn(streams)).toEqual(["a", "b"]);
  });

  test("remembers across openings, and a backup has the notes", async () => {
    await using folder = await createTempDir();
    {
      await using streams = await open(folder.file("store.db"));
      await migrate(streams, ALL);
      await streams.backup(folder.file("copy.db"));
    }
    for (const name of ["store.db", "copy.db"]) {
      await using streams = await open(folder.file(name));
      expect(await migrate(streams, ALL)).toEqual({ applied: [], reverted: [] });
    }
  });

  test("refuses a missing `down` before anything runs", async () => {
    await using streams = await open();
    const { down: _, ...oneWay } = making("b");
    const list = [making("a"), oneWay, making("c")];
    await migrate(streams, list);
    const refused = migrate(streams, list, { to: "a" });
    await expect(refused).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      message: expect.stringMatching(/migration "b" was applied, and has no down.*; add its down to the list\.$/),
    });
    expect(await namesIn(streams)).toEqual(["a", "b", "c"]);
    expect((await migrate(streams, [making("a"), making("b"), making("c")], { to: "a" })).reverted).toEqual(["c", "b"]);
  });

  test("refuses a text that has changed, before anything runs", async () => {
    await using streams = await open();
    await migrate(streams, [making("a")]);
    const changed = { ...making("a"), up: "CREATE TABLE a (x, y)" };
    const refused = migrate(streams, [changed, making("b")]);
    const message = expect.stringMatching(/make the change in a new migration\. Until then, no migration runs\.$/);
    await expect(refused).rejects.toMatchObject({
      name: "MigrationError",
      code: "MIGRATION_CHANGED",
      id: "a",
      message,
    });
    const asFunction = migrate(streams, [{ ...making("a"), up: async () => undefined }]);
    await expect(asFunction).rejects.toMatchObject({ code: "MIGRATION_CHANGED", id: "a" });
    expect(await namesIn(streams)).toEqual(["a"]);
  });

  test("knows a text with other line ends, a function by its id, and takes another `down`", async () => {
    await using streams = await open();
    const text = (lineEnd: string) => ({ id: "a", up: ["CREATE TABLE a (", "x)"].join(lineEnd) });
    await migrate(streams, [text("\n"), { id: "b", up: async () => undefined }]);
    const list = [
      { ...text("\r\n"), down: "DROP TABLE a" },
      { id: "b", up: async () => Promise.reject(new Error()) },
    ];
    expect(await migrate(streams, list)).toEqual({ applied: [], reverted: [] });
  });

  test("refuses a list without one that was applied, before anything runs", async () => {
    await using streams = await open();
    await migrate(streams, [making("a"), making("b")]);
    const refused = migrate(streams, [making("a"), making("c")]);
    await expect(refused).rejects.toMatchObject({ name: "MigrationError", code: "MIGRATION_MISSING", id: "b" });
    await expect(migrate(streams, [])).rejects.toMatchObject({ code: "MIGRATION_MISSING", id: "a" });
    expect(await namesIn(streams)).toEqual(["a", "b"]);
  });

  test("leaves nothing of a text that fails, and keeps those before it", async () => {
    await using streams = await open();
    const failing = {
      id: "bad",
      up: "CREATE TABLE bad (x); INSERT INTO bad VALUES (1); INSERT INTO missing VALUES (1)",
    };
    const migrating = migrate(streams, [making("a"), failing, making("c")]);
    await expect(migrating).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining('Cannot apply migration "bad": cannot run "CREATE TABLE bad'),
    });
    expect(await namesIn(streams)).toEqual(["a"]);
    const fixed = [making("a"), making("bad"), making("c")];
    expect((await migrate(streams, fixed)).applied).toEqual(["bad", "c"]);
  });

  test("leaves nothing of a function that fails, and rejects with what it threw", async () => {
    await using streams = await open();
    const reason = new Error("on purpose");
    const failing: Migration = {
      id: "bad",
      up: async ({ sql: tables }) => {
        await tables.run(sql`CREATE TABLE bad (x)`);
        throw reason;
      },
    };
    await expect(migrate(streams, [making("a"), failing])).rejects.toBe(reason);
    expect(await namesIn(streams)).toEqual(["a"]);
  });

  test("says which function called the store itself, and what it was given instead", async () => {
    await using streams = await open();
    const stream = await streams.openStream("a");
    const writing: Migration = { id: "0002_seed", up: () => stream.write({ type: "Seeded", data: null }) };
    await expect(migrate(streams, [making("a"), writing])).rejects.toMatchObject({
      name: "TransactionError",
      code: "TRANSACTION_MISUSE",
      message: expect.stringMatching(
        /^Cannot apply migration "0002_seed": cannot call stream\.write on "a" in .* its sql in a migration or projection\.$/,
      ),
    });
    expect(await namesIn(streams)).toEqual(["a"]);
  });

  test("says in which migration a damaged event was met, and keeps its place", async () => {
    await using streams = await open();
    const event = { streamId: "a", version: 2, position: 7 };
    const up = async () => {
      throw new StorageError("STORAGE_CORRUPT", "Cannot read another store: it is damaged.", { event });
    };
    const message = expect.stringMatching(/^Cannot apply migration "0002_moved": cannot read another store/);
    const failed = migrate(streams, [{ id: "0002_moved", up }]);
    await expect(failed).rejects.toMatchObject({ code: "STORAGE_CORRUPT", message, ...event });
  });

  test("leaves nothing of a function that goes on after a statement that failed", async () => {
    await using streams = await open();
    const failing: Migration = {
      id: "bad",
      up: async ({ sql: tables }) => {
        await tables.run(sql`CREATE TABLE bad (x)`);
        await tables.run(sql`INSERT INTO missing VALUES (1)`).catch(() => undefined);
      },
    };
    await expect(migrate(streams, [failing])).rejects.toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringContaining('Cannot apply migration "bad": cannot run "INSERT INTO missing'),
    });
    expect(await namesIn(streams)).toEqual([]);
  });

  test("waits for the statements that a function did not await, and ends its tables with it", async () => {
    await using streams = await open();
    let kept: MigrationContext["sql"] | undefined;
    const up = async ({ sql: tables }: MigrationContext) => {
      kept = tables;
      void tables.run(sql`CREATE TABLE a (x)`);
    };
    expect((await migrate(streams, [{ id: "a", up }])).applied).toEqual(["a"]);
    expect(await namesIn(streams)).toEqual(["a"]);
    await expect(kept?.run(sql`DROP TABLE a`)).rejects.toMatchObject({ code: "TRANSACTION_MISUSE" });
  });

  test("applies each once when the program calls it twice at the same time", async () => {
    await using streams = await open();
    const reports = await Promise.all([migrate(streams, ALL), migrate(streams, ALL)]);
    expect(reports.flatMap(({ applied }) => applied).sort()).toEqual(ALL.map(({ id }) => id));
  });

  test("is refused between its migrations where another program applies one that it does not know", async () => {
    await using streams = await open();
    const first = migrate(streams, [making("a"), making("c")]);
    const second = migrate(streams, [making("a"), making("b"), making("c")]);
    await expect(first).rejects.toMatchObject({ code: "MIGRATION_MISSING", id: "b" });
    expect((await second).applied).toEqual(["b", "c"]);
    expect(await namesIn(streams)).toEqual(["a", "b", "c"]);
  });

  test("applies again in a copy without the tables", async () => {
    await using folder = await createTempDir();
    {
      await using streams = await open();
      await migrate(streams, ALL);
      await streams.backup(folder.file("copy.db"), { tables: "none" });
    }
    await using copy = await open(folder.file("copy.db"));
    expect((await migrate(copy, ALL)).applied).toEqual(ALL.map(({ id }) => id));
    expect((await copy.verify()).problems).toEqual([]);
  });

  test("leaves nothing of a `down` that fails, and keeps its note", async () => {
    await using streams = await open();
    const list = [{ ...making("a"), down: "DROP TABLE a; DROP TABLE missing" }];
    await migrate(streams, list);
    await expect(migrate(streams, list, { to: null })).rejects.toMatchObject({
      message: expect.stringContaining('Cannot undo migration "a"'),
    });
    expect(await namesIn(streams)).toEqual(["a"]);
    expect(await migrate(streams, list)).toEqual({ applied: [], reverted: [] });
  });

  test("goes back through a `down` that throws as far as before it", async () => {
    await using streams = await open();
    const reason = new Error("on purpose");
    const list: Migration[] = [
      making("a"),
      {
        ...making("b"),
        down: async ({ sql: tables }) => {
          await tables.run(sql`DROP TABLE b`);
          throw reason;
        },
      },
      making("c"),
    ];
    await migrate(streams, list);
    await expect(migrate(streams, list, { to: null })).rejects.toBe(reason);
    expect(await namesIn(streams)).toEqual(["a", "b"]);
    expect(await migrate(streams, list)).toEqual({ applied: ["c"], reverted: [] });
  });

  test("undoes a migration whose constraint is violated at the commit", async () => {
    await using streams = await open();
    const up = `
      CREATE TABLE parents (id INTEGER PRIMARY KEY);
      CREATE TABLE children (parent REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED);
      INSERT INTO children VALUES (7)`;
    const migrating = migrate(streams, [{ id: "a", up }]);
    const stream = await streams.openStream("s");
    const writing = stream.write({ type: "Written", data: null });
    await expect(migrating).rejects.toMatchObject({ code: "STORAGE_FAILED" });
    expect((await writing).version).toBe(1);
    expect(await namesIn(streams)).toEqual([]);
  });

  test("refuses a call of the store inside a function", async () => {
    await using streams = await open();
    const up = async () => {
      await streams.query(sql`SELECT 1`);
    };
    await expect(migrate(streams, [{ id: "a", up }])).rejects.toMatchObject({ code: "TRANSACTION_MISUSE" });
    const inside = streams.transaction(async () => migrate(streams, []));
    await expect(inside).rejects.toMatchObject({ code: "TRANSACTION_MISUSE" });
  });

  test("has no time-out, and the calls of the program come after it", async () => {
    await using streams = await open();
    const order: string[] = [];
    const events = new EventTarget();
    const next = (name: string) => new Promise((resolve) => events.addEventListener(name, resolve, { once: true }));
    const begun = next("begun");
    const up = async () => {
      const released = next("release");
      events.dispatchEvent(new Event("begun"));
      await released;
      order.push("migration");
    };
    const stream = await streams.openStream("s");
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const migrating = migrate(streams, [{ id: "a", up }]);
    await begun;
    const writing = stream.write({ type: "Written", data: null }).then(() => order.push("write"));
    const transacting = streams.transaction(async () => order.push("transaction"));
    vi.advanceTimersByTime(24 * 60 * 60 * 1_000);
    events.dispatchEvent(new Event("release"));
    await Promise.all([migrating, writing, transacting]);
    expect(order[0]).toBe("migration");
    expect(order).toHaveLength(3);
  });

  test("ends with the reason of its signal, and undoes the migration that runs", async () => {
    await using streams = await open();
    const controller = new AbortController();
    const reason = new Error("no longer wanted");
    const endless: Migration = {
      id: "endless",
      up: async ({ sql: tables }) => {
        await tables.run(sql`CREATE TABLE endless (x)`);
        controller.abort(reason);
        await new Promise(() => undefined);
      },
    };
    const migrating = migrate(streams, [making("a"), endless], { signal: controller.signal });
    await expect(migrating).rejects.toBe(reason);
    expect(await namesIn(streams)).toEqual(["a"]);
    await expect(migrate(streams, ALL, { signal: controller.signal })).rejects.toBe(reason);
  });
});

test("a migration shares its commit with nobody", async () => {
  const { driver, calls } = recordingDriver(DRIVERS.sqlite3);
  const backend = await openSQLiteBackend(":memory:", {}, driver);
  await using streams = createStreamFactory(backend);
  await migrate(streams, []);
  calls.length = 0;
  const transact = (mark: string) => streams.transaction((tx) => tx.sql.run(rawSQL(`SELECT '${mark}'`)));
  await Promise.all([transact("before"), migrate(streams, [{ id: "a", up: "SELECT 'migration'" }]), transact("after")]);
  const marks = calls.map((call) => call.sql).filter((text) => /^(BEGIN|COMMIT|SELECT ')/.test(text));
  expect(marks.join("; ")).toMatch(
    /BEGIN IMMEDIATE; SELECT 'before'; COMMIT; BEGIN IMMEDIATE; SELECT 'migration'; COMMIT; BEGIN IMMEDIATE; SELECT 'after'; COMMIT/,
  );
});

test("a migration shares its commit with nobody behind a transaction that is not wanted any more", async () => {
  const { driver, calls } = recordingDriver(DRIVERS.sqlite3);
  await using streams = createStreamFactory(await openSQLiteBackend(":memory:", {}, driver));
  await migrate(streams, []);
  calls.length = 0;
  const controller = new AbortController();
  const reason = new Error("no longer wanted");
  const before = streams.transaction(async (tx) => {
    await tx.sql.run(rawSQL("SELECT 'before'"));
    controller.abort(reason);
  });
  const unwanted = streams.transaction(async () => "never runs", { signal: controller.signal });
  const migrating = migrate(streams, [{ id: "a", up: "SELECT 'migration'" }]);
  await expect(unwanted).rejects.toBe(reason);
  await Promise.all([before, migrating]);
  const marks = calls.map((call) => call.sql).filter((text) => /^(BEGIN|COMMIT|SAVEPOINT|SELECT ')/.test(text));
  expect(marks.slice(0, 6)).toEqual([
    "BEGIN IMMEDIATE",
    "SELECT 'before'",
    "COMMIT",
    "BEGIN IMMEDIATE",
    "SELECT 'migration'",
    "COMMIT",
  ]);
});

test("more notes than one look reads are all known", async () => {
  await using dir = await createTempDir();
  await using streams = await sqliteStreamFactory(dir.file("store.db"));
  const list = Array.from({ length: 1_002 }, (_, index) => ({ id: `${index}`, up: async () => undefined }));
  const notes = `
    WITH RECURSIVE ids (id) AS (SELECT 0 UNION ALL SELECT id + 1 FROM ids WHERE id < 1000)
    INSERT INTO es_records (space, key, revision, value)
    SELECT '@migrations', CAST(id AS TEXT), id + 1, '{"hash":null}' FROM ids`;
  const connection = await DRIVERS.sqlite3.open(dir.file("store.db"), "existing");
  await connection.run(notes);
  await connection.close();
  expect(await migrate(streams, list)).toEqual({ applied: ["1001"], reverted: [] });
});

test("applications cannot change the notes through records", async () => {
  await using streams = await sqliteStreamFactory(":memory:");
  const deleting = streams.transaction((tx) => tx.records.delete("@migrations", "a"));
  await expect(deleting).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "space" });
});
