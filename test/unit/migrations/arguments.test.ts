import { expect, test } from "vitest";
import { openSQLiteBackend, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { TransactionalStorage, TransactionalStreamFactory } from "../../../protocols/index.js";
import { MAX_MIGRATION_LENGTH, MAX_MIGRATIONS, type Migration, migrate } from "../../../src/migrations/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { sql } from "../../../src/transaction/sql-statement.js";
import { overriding } from "../../support/overriding.js";

const up = "SELECT 1";

test.each<[string, unknown, unknown, string]>([
  ["no list", { id: "a", up }, {}, "migrations"],
  ["no migration", ["a"], {}, "migrations"],
  ["null", [null], {}, "migrations"],
  ["an unknown field", [{ id: "a", up, dwon: up }], {}, "dwon"],
  ["no id", [{ up }], {}, "migrations"],
  ["an empty id", [{ id: "", up }], {}, "migrations"],
  ["a long id", [{ id: "a".repeat(1_025), up }], {}, "migrations"],
  ["an id with a lone surrogate", [{ id: "\ud800", up }], {}, "migrations"],
  [
    "one id twice",
    [
      { id: "a", up },
      { id: "a", up },
    ],
    {},
    "migrations",
  ],
  ["no up", [{ id: "a" }], {}, "migrations"],
  ["a down that is neither", [{ id: "a", up, down: null }], {}, "migrations"],
  ["a text with a lone surrogate", [{ id: "a", up: "\ud800" }], {}, "migrations"],
  ["a long text", [{ id: "a", up: " ".repeat(MAX_MIGRATION_LENGTH + 1) }], {}, "migrations"],
  ["many migrations", Array.from({ length: MAX_MIGRATIONS + 1 }, (_, id) => ({ id: `${id}`, up })), {}, "migrations"],
  ["a place that is not there", [{ id: "a", up }], { to: "A" }, "to"],
  ["a place that is no id", [{ id: "a", up }], { to: 1 }, "to"],
  ["an unknown option", [{ id: "a", up }], { target: "a" }, "target"],
  ["a signal that is none", [{ id: "a", up }], { signal: {} }, "signal"],
  ["options that are none", [{ id: "a", up }], null, "options"],
])("migrate refuses %s, and runs nothing", async (_, migrations, options, argument) => {
  await using streams = await sqliteStreamFactory(":memory:");
  const migrating = migrate(streams, migrations as readonly Migration[], options as never);
  const message = expect.stringContaining("Cannot migrate the tables in :memory:: ");
  await expect(migrating).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument, message });
  await expect(migrate(streams, [])).resolves.toEqual({ applied: [], reverted: [] });
});

test("migrate refuses what is no store, and a store without transactions", async () => {
  const noStore = migrate({} as TransactionalStreamFactory, []);
  await expect(noStore).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "streams" });
  const plain = { openStream: () => undefined } as object as TransactionalStreamFactory;
  await expect(migrate(plain, [])).rejects.toMatchObject({ code: "STORAGE_UNSUPPORTED" });
});

/** A store whose transactions lack a part. */
async function storeWithout(part: "sql" | "runScript") {
  const { storage, notifier } = await openSQLiteBackend(":memory:");
  const transact: TransactionalStorage["transact"] = (work, options) =>
    storage.transact((session) => work(overriding(session, { [part]: undefined })), options);
  return createStreamFactory({ storage: overriding<TransactionalStorage>(storage, { transact }), notifier });
}

test("migrate refuses a store whose transactions have no SQL", async () => {
  await using streams = await storeWithout("sql");
  await expect(migrate(streams, [])).rejects.toMatchObject({ code: "STORAGE_UNSUPPORTED" });
});

test("migrate runs functions where the store takes no scripts, and refuses texts", async () => {
  await using streams = await storeWithout("runScript");
  const list: Migration[] = [{ id: "a", up: async ({ sql: tables }) => void (await tables.all(sql`SELECT 1`)) }];
  expect((await migrate(streams, list)).applied).toEqual(["a"]);
  const text = migrate(streams, [...list, { id: "b", up }]);
  await expect(text).rejects.toMatchObject({ code: "STORAGE_UNSUPPORTED", message: expect.stringContaining('"b"') });
});

test("migrate refuses a store that is disposed", async () => {
  const streams = await sqliteStreamFactory(":memory:");
  await streams[Symbol.asyncDispose]();
  await expect(migrate(streams, [])).rejects.toMatchObject({ code: "STREAM_CLOSED" });
});
