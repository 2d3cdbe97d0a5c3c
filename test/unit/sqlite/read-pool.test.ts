import { expect, test } from "vitest";
import type { SQLiteConnection, SQLiteDriver } from "../../../adapters/sqlite/drivers/driver.js";
import { sqlite3Driver } from "../../../adapters/sqlite/drivers/sqlite3-driver.js";
import { openSQLiteBackend } from "../../../adapters/sqlite/index.js";
import { parseFilter } from "../../../src/filter/parse-filter.js";
import { forwarding } from "../../support/forwarding.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { createTempDir } from "../../support/temp-dir.js";

/** What the reading connections of a store did. */
class ReadRecord {
  opened = 0;
  closed = 0;
  /** The streams that were asked for, in the order in which the driver was asked. */
  readonly streams: unknown[] = [];
  mostUnderWay = 0;
  #underWay = 0;

  readonly driver: SQLiteDriver = {
    ...sqlite3Driver,
    open: async (path, mode) => {
      const connection = await sqlite3Driver.open(path, mode);
      if (mode !== "readonly") return connection;
      this.opened += 1;
      return { ...forwarding(connection), all: this.#all(connection), close: this.#close(connection) };
    },
  };

  #all(connection: SQLiteConnection): SQLiteConnection["all"] {
    return async (sql, parameters = []) => {
      this.streams.push(parameters[0]);
      this.#underWay += 1;
      this.mostUnderWay = Math.max(this.mostUnderWay, this.#underWay);
      try {
        return await connection.all(sql, parameters);
      } finally {
        this.#underWay -= 1;
      }
    };
  }

  #close(connection: SQLiteConnection): SQLiteConnection["close"] {
    return async () => {
      await connection.close();
      this.closed += 1;
    };
  }
}

const NAMES = Array.from({ length: 20 }, (_, number) => `stream-${number}`);

test("reads one after the other share one connection", async () => {
  await using folder = await createTempDir();
  const record = new ReadRecord();
  const { storage } = await openSQLiteBackend(folder.file("a.db"), { readPoolSize: 3 }, record.driver);
  for (const name of NAMES) await storage.getVersion(name);
  expect(record.opened).toBe(1);
  await storage[Symbol.asyncDispose]();
});

test("no more than readPoolSize reads run at a time; the others wait in the order of their calls", async () => {
  await using folder = await createTempDir();
  const record = new ReadRecord();
  const { storage } = await openSQLiteBackend(folder.file("a.db"), { readPoolSize: 2 }, record.driver);
  expect(await Promise.all(NAMES.map((name) => storage.getVersion(name)))).toEqual(NAMES.map(() => 0));
  expect(record).toMatchObject({ opened: 2, mostUnderWay: 2, streams: NAMES });
  await storage[Symbol.asyncDispose]();
});

test("a connection that cannot be opened fails the read that needed it, and no other", async () => {
  await using folder = await createTempDir();
  let isRefused = false;
  const driver: SQLiteDriver = {
    ...sqlite3Driver,
    async open(path, mode) {
      if (mode !== "readonly" || !isRefused) return sqlite3Driver.open(path, mode);
      isRefused = false;
      throw Object.assign(new Error("on purpose"), { code: "SQLITE_CANTOPEN" });
    },
  };
  const { storage } = await openSQLiteBackend(folder.file("a.db"), { readPoolSize: 2 }, driver);
  isRefused = true;
  const outcomes = await Promise.allSettled(NAMES.map((name) => storage.getVersion(name)));
  expect(outcomes.map(({ status }) => status)).toEqual(NAMES.map((_, at) => (at === 1 ? "rejected" : "fulfilled")));
  await storage[Symbol.asyncDispose]();
});

test("a disposal waits for reads that run and for those that wait, and closes every connection", async () => {
  await using folder = await createTempDir();
  const record = new ReadRecord();
  const { storage } = await openSQLiteBackend(folder.file("a.db"), { readPoolSize: 3 }, record.driver);
  const reads = Promise.all(NAMES.map((name) => storage.getVersion(name)));
  await storage[Symbol.asyncDispose]();
  expect(await reads).toEqual(NAMES.map(() => 0));
  expect(record).toMatchObject({ opened: 3, closed: 3 });
});

test("no read binds a plain LIMIT, for which SQLite would compile its statement again at every call", async () => {
  await using folder = await createTempDir();
  const { driver, calls } = recordingDriver(sqlite3Driver);
  const { storage } = await openSQLiteBackend(folder.file("a.db"), {}, driver);
  for (const streamId of ["a", "@all"]) {
    for (const direction of ["forward", "backward"] as const) {
      await storage.readPage({ streamId, after: 0, limit: 1, direction });
      const filter = parseFilter([{ field: "type", op: "=", value: "A" }]);
      await storage.readPage({ streamId, after: 0, limit: 1, direction, filter });
    }
    await storage.getMetrics(streamId);
    await storage.loadSnapshot({ streamId, projection: "p" });
  }
  await storage[Symbol.asyncDispose]();
  const texts = calls.map(({ sql }) => sql);
  expect(texts.filter((sql) => sql.includes("LIMIT"))).not.toHaveLength(0);
  expect(texts.filter((sql) => /\b(LIMIT|OFFSET)\s+\?\d*\s*(\)|$)/.test(sql))).toEqual([]);
});
