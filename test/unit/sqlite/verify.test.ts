import { describe, expect, test } from "vitest";
import type { SQLiteConnection } from "../../../adapters/sqlite/drivers/driver.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { VerifyProblem, VerifyProgress, VerifyReport } from "../../../protocols/index.js";
import { snapshotChecksum } from "../../../src/adapter-kit/checksum.js";
import { MAX_VERIFY_PROBLEMS } from "../../../src/limits.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const UNLOCK = "DROP TRIGGER es_events_are_never_changed; DROP TRIGGER es_events_are_never_deleted;";
const TRIGGERS = 2;

async function fill(path: string, driver?: DriverName): Promise<void> {
  await using streams = await sqliteStreamFactory(path, { driver });
  const account = await streams.openStream("account");
  const bytes = await streams.openStream("bytes");
  for (let amount = 1; amount <= 5; amount += 1) {
    await account.write({
      type: "Deposited",
      data: { amount },
      metadata: { by: "me" },
      idempotencyKey: `key-${amount}`,
    });
    await bytes.write({ type: "Stored", data: new Uint8Array([amount, 0, 255]) });
  }
  await account.snapshot({ text: "x".repeat(2_000) });
}

/** What verify says of a store to which something was done behind the library's back. */
async function reportAfter(damage: string, driver?: DriverName): Promise<VerifyReport> {
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  await fill(path, driver);
  const connection: SQLiteConnection = await DRIVERS[driver ?? "sqlite3"].open(path, "create");
  await connection.exec(`PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; ${damage}`);
  await connection.close();
  await using streams = await sqliteStreamFactory(path, { driver });
  return await streams.verify();
}

/** The problems besides the triggers that had to go for the damage to be done. */
function besidesTriggers({ ok, problems }: VerifyReport): readonly VerifyProblem[] {
  expect(ok).toBe(false);
  expect(problems.filter(({ detail }) => detail.startsWith("trigger "))).toHaveLength(TRIGGERS);
  return problems.filter(({ detail }) => !detail.startsWith("trigger "));
}

describe.each(DRIVER_NAMES)("verify over %s", (driver) => {
  test("finds nothing in a store that is as it was written, and tells how far it is", async () => {
    await using folder = await createTempDir();
    await fill(folder.file("store.db"), driver);
    await using streams = await sqliteStreamFactory(folder.file("store.db"), { driver });
    const told: VerifyProgress[] = [];
    const report = await streams.verify({ onProgress: (progress) => told.push(progress) });
    expect(report).toEqual({ ok: true, checkedEvents: 10, applicationTables: 0, problems: [] });
    expect(told.at(-1)).toEqual({ checkedEvents: 10, totalEvents: 10 });
  });

  test("works in memory, and on a store without events", async () => {
    await using streams = await sqliteStreamFactory(":memory:", { driver });
    expect(await streams.verify()).toEqual({ ok: true, checkedEvents: 0, applicationTables: 0, problems: [] });
    await (await streams.openStream("a")).write({ type: "A", data: 1 });
    expect(await streams.verify()).toEqual({ ok: true, checkedEvents: 1, applicationTables: 0, problems: [] });
  });
});

describe("an event that is not as it was written", () => {
  test.each([
    ["data", `data = '{"amount":9}'`],
    ["bytes", "data = x'0100fe'", 2],
    ["metadata", `metadata = '{"by":"us"}'`],
    ["metadata that is gone", "metadata = NULL"],
    ["a key", "id = 'key-9'"],
    ["a made id", "id = zeroblob(16)", 2],
    ["the time", "timestamp = timestamp + 1"],
    ["the type", "type = 2"],
    ["the schema that it names", "schema = 0"],
    ["the checksum", "checksum = checksum + 1"],
  ])("is found by its checksum: %s", async (_, change, position = 1) => {
    const report = await reportAfter(`${UNLOCK} UPDATE es_events SET ${change} WHERE position = ${position};`);
    const streamId = position === 1 ? "account" : "bytes";
    expect(besidesTriggers(report)).toEqual([
      { kind: "checksum", streamId, version: 1, position, detail: expect.stringMatching(/checksum/) },
    ]);
  });

  test("is found where two events have changed places", async () => {
    const report = await reportAfter(`${UNLOCK}
      UPDATE es_events SET data = '{"amount":2}' WHERE position = 1;
      UPDATE es_events SET data = '{"amount":1}' WHERE position = 3;`);
    expect(besidesTriggers(report).map(({ kind, position }) => [kind, position])).toEqual([
      ["checksum", 1],
      ["checksum", 3],
    ]);
  });

  test.each([
    ["a stream's name", "UPDATE es_streams SET name = 'bccount' WHERE name = 'account'"],
    ["a type's name", "UPDATE es_types SET name = 'deposited' WHERE name = 'Deposited'"],
    ["a stream that has no name", "DELETE FROM es_streams WHERE name = 'account'"],
    ["a type that has no name", "DELETE FROM es_types WHERE name = 'Deposited'"],
  ])("is found by %s", async (_, damage) => {
    const { problems } = await reportAfter(damage);
    expect(problems.filter(({ kind }) => kind === "checksum").map(({ position }) => position)).toEqual([1, 3, 5, 7, 9]);
  });
});

test("an event whose id is neither a key nor made is found", async () => {
  const { problems } = await reportAfter(`${UNLOCK} UPDATE es_events SET id = 7 WHERE position = 2;`);
  expect(problems).toContainEqual(expect.objectContaining({ kind: "checksum", streamId: "bytes", position: 2 }));
});

test("of more problems than a report lists, the first are listed", async () => {
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  {
    await using streams = await sqliteStreamFactory(path);
    const events = Array.from({ length: MAX_VERIFY_PROBLEMS + 1 }, (_, data) => ({ type: "Counted", data }));
    await (await streams.openStream("a")).write(events);
  }
  const connection = await DRIVERS.sqlite3.open(path, "create");
  await connection.exec("DROP TRIGGER es_events_are_never_changed; UPDATE es_events SET timestamp = timestamp + 1");
  await connection.close();
  await using streams = await sqliteStreamFactory(path);
  const { problems } = await streams.verify();
  expect(problems).toHaveLength(MAX_VERIFY_PROBLEMS);
  expect(problems.at(-1)).toMatchObject({ kind: "checksum", position: MAX_VERIFY_PROBLEMS - 1 });
});

describe("events that are missing", () => {
  test("are a gap in the positions and in the versions", async () => {
    const report = await reportAfter(`${UNLOCK} DELETE FROM es_events WHERE position IN (3, 5);`);
    expect(besidesTriggers(report)).toEqual([
      { kind: "gap", position: 3, detail: expect.stringMatching(/position 3 /) },
      { kind: "gap", position: 5, detail: expect.stringMatching(/position 5 /) },
      { kind: "gap", streamId: "account", version: 2, detail: expect.stringMatching(/3 events and ends at version 5/) },
    ]);
  });

  test("at the end are a head that does not match", async () => {
    const report = await reportAfter(`${UNLOCK} DELETE FROM es_events WHERE position > 8;`);
    expect(besidesTriggers(report)).toEqual([
      { kind: "head", position: 8, detail: expect.stringMatching(/position 8, and the last position given is 10/) },
      {
        kind: "snapshot",
        streamId: "account",
        version: 5,
        detail: expect.stringMatching(/version 5, and the last one is 4/),
      },
    ]);
  });

  test("all of them, are a head that does not match either", async () => {
    const report = await reportAfter(`${UNLOCK} DELETE FROM es_events; DELETE FROM es_snapshots;`);
    expect(besidesTriggers(report)).toEqual([
      { kind: "head", position: 0, detail: expect.stringMatching(/position 0, and the last position given is 10/) },
    ]);
  });

  test("or the counter of their positions, which no write is stored without", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await fill(path);
    const connection = await DRIVERS.sqlite3.open(path, "create");
    await connection.exec("DELETE FROM sqlite_sequence");
    await connection.close();
    await using streams = await sqliteStreamFactory(path);
    const account = await streams.openStream("account");
    await expect(account.write({ type: "Deposited", data: { amount: 6 } })).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(/Cannot write to stream "account" in .*: what the store counts does not fit/),
    });
    expect(await streams.verify()).toMatchObject({
      checkedEvents: 10,
      problems: [{ kind: "head", position: 10, detail: expect.stringMatching(/position given is not known/) }],
    });
  });

  test("or too many of them for the head are found", async () => {
    const { problems } = await reportAfter("UPDATE sqlite_sequence SET seq = 7 WHERE name = 'es_events'");
    expect(problems).toEqual([
      { kind: "head", position: 10, detail: expect.stringMatching(/last position given is 7/) },
    ]);
  });
});

describe("a snapshot", () => {
  test.each([
    ["that has changed", "state = zeroblob(9)", /checksum/],
    ["of another version", "version = 4", /checksum/],
    ["with another codec", "codec = 'json'", /checksum/],
  ])("%s is found", async (_, change, detail) => {
    const { problems } = await reportAfter(`UPDATE es_snapshots SET ${change}`);
    expect(problems).toEqual([
      { kind: "snapshot", streamId: "account", version: expect.any(Number), detail: expect.stringMatching(detail) },
    ]);
  });

  test("of every event, beyond the last position, is found", async () => {
    await using folder = await createTempDir();
    await fill(folder.file("store.db"));
    {
      await using streams = await sqliteStreamFactory(folder.file("store.db"));
      await (await streams.openStream("@all")).snapshot({ count: 10 }, { version: 10 });
    }
    const connection = await DRIVERS.sqlite3.open(folder.file("store.db"), "create");
    await connection.exec(`${UNLOCK} DELETE FROM es_events WHERE position = 10`);
    await connection.close();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    const { problems } = await streams.verify();
    const detail = '"default": it names position 10, and the last one is 9';
    expect(problems).toContainEqual({ kind: "snapshot", streamId: "@all", version: 10, detail });
  });

  test("that has changed is refused when it is loaded", async () => {
    await using folder = await createTempDir();
    await fill(folder.file("store.db"));
    const connection = await DRIVERS.sqlite3.open(folder.file("store.db"), "create");
    await connection.exec("UPDATE es_snapshots SET state = zeroblob(9)");
    await connection.close();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    const account = await streams.openStream("account");
    await expect(account.loadSnapshot()).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(/damaged/),
    });
  });

  test("that another version of the schema wrote is sound, and is loaded", async () => {
    await using folder = await createTempDir();
    await fill(folder.file("store.db"));
    const state = { codec: "json", bytes: Buffer.from('{"sum":7}') };
    const older = { streamId: "account", projection: "older", version: 2, timestamp: new Date(7), state };
    const connection = await DRIVERS.sqlite3.open(folder.file("store.db"), "create");
    await connection.run("INSERT INTO es_snapshots VALUES (?1, ?2, ?3, ?4, 0, ?5, ?6, ?7)", [
      ...["account", "older", 2, 7, state.codec, state.bytes],
      snapshotChecksum(older, 0),
    ]);
    await connection.close();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    expect(await streams.verify()).toMatchObject({ ok: true });
    const account = await streams.openStream("account");
    expect(await account.loadSnapshot({ projection: "older" })).toMatchObject({ version: 2, state: { sum: 7 } });
  });
});

describe("the schema", () => {
  test.each(["INDEX es_events_by_version", "INDEX es_events_by_key", "TRIGGER es_events_are_never_changed"])(
    "that has no %s is found",
    async (object) => {
      const { problems } = await reportAfter(`DROP ${object}`);
      const name = object.replace(/^[A-Z]+/, (kind) => kind.toLowerCase());
      expect(problems).toEqual([{ kind: "schema", detail: `${name} is missing` }]);
    },
  );

  test("with another index under the name is found", async () => {
    const { problems } = await reportAfter(
      "DROP INDEX es_events_by_key; CREATE INDEX es_events_by_key ON es_events (id)",
    );
    expect(problems).toContainEqual({
      kind: "schema",
      detail: "index es_events_by_key is not as the library makes it",
    });
  });

  test("without the table of snapshots is found, and the events are checked all the same", async () => {
    const { checkedEvents, problems } = await reportAfter("DROP TABLE es_snapshots");
    expect(checkedEvents).toBe(10);
    expect(problems.map(({ kind }) => kind)).toContain("schema");
    expect(problems.at(-1)).toMatchObject({ kind: "unreadable", detail: expect.stringMatching(/snapshots/) });
  });

  test("without a table that every call needs is found: such a store can still be opened", async () => {
    const { ok, problems } = await reportAfter("DROP TABLE es_streams");
    expect(ok).toBe(false);
    expect(problems).toContainEqual({ kind: "schema", detail: "table es_streams is missing" });
  });
});

describe.each(DRIVER_NAMES)("what others have put into the database, over %s", (driver) => {
  test.each([
    [
      "a trigger",
      "TRIGGER zz AFTER INSERT ON es_events BEGIN DELETE FROM es_snapshots; END",
      "trigger zz on es_events",
    ],
    [
      "a trigger on a name in capitals",
      "TRIGGER zz DELETE ON ES_SNAPSHOTS BEGIN SELECT 1; END",
      "trigger zz on ES_SNAPSHOTS",
    ],
    ["an index", "INDEX by_time ON es_events (timestamp)", "index by_time on es_events"],
    ["a table with a name of the library's", "TABLE es_loot (x)", "table es_loot on es_loot"],
    ["a view with one in capitals", "VIEW ES_LOOK AS SELECT 1", "view ES_LOOK on ES_LOOK"],
    ["an index with one, on a table of the application", "TABLE t (x); CREATE INDEX es_t ON t (x)", "index es_t on t"],
  ])("on or beside the library's tables is found: %s", async (_, object, detail) => {
    const { ok, problems } = await reportAfter(`CREATE ${object}`, driver);
    expect(ok).toBe(false);
    expect(problems).toEqual([{ kind: "schema", detail: `${detail} is not of the library's making` }]);
  });

  test("is no problem where it is the application's, and its tables are counted", async () => {
    const report = await reportAfter(
      `CREATE TABLE orders (id INTEGER PRIMARY KEY, total, position REFERENCES es_events (position));
       CREATE INDEX orders_by_total ON orders (total);
       CREATE VIEW totals AS SELECT sum(total) FROM orders;
       CREATE TRIGGER orders_log AFTER INSERT ON orders BEGIN DELETE FROM ess_ential; END;
       CREATE TABLE ess_ential (name TEXT PRIMARY KEY) WITHOUT ROWID;
       CREATE VIRTUAL TABLE notes USING fts5(text);`,
      driver,
    );
    expect(report).toEqual({ ok: true, checkedEvents: 10, applicationTables: 3, problems: [] });
  });
});

describe("a check that is not to go on", () => {
  test("rejects with the signal's reason, before and while it runs", async () => {
    await using folder = await createTempDir();
    await fill(folder.file("store.db"));
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    const reason = new Error("enough");
    await expect(streams.verify({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const verification = streams.verify({ onProgress: () => controller.abort(reason), signal: controller.signal });
    await expect(verification).rejects.toBe(reason);
  });

  test("rejects with what the progress function throws", async () => {
    await using streams = await sqliteStreamFactory(":memory:");
    await (await streams.openStream("a")).write({ type: "A", data: 1 });
    const failure = Object.assign(new Error("cannot show it"), { code: "SQLITE_IOERR" });
    const verification = streams.verify({
      onProgress: () => {
        throw failure;
      },
    });
    await expect(verification).rejects.toBe(failure);
  });

  test("ends when the factory is disposed, and none begins afterwards", async () => {
    await using folder = await createTempDir();
    await fill(folder.file("store.db"));
    const streams = await sqliteStreamFactory(folder.file("store.db"));
    const running = streams.verify().catch((error: unknown) => error);
    await streams[Symbol.asyncDispose]();
    expect(await running).toMatchObject({ code: "STREAM_CLOSED" });
    await expect(streams.verify()).rejects.toMatchObject({ code: "STREAM_CLOSED" });
  });

  test.each([{ onProgress: 1 }, { signal: "x" }])("is refused with the options %j", async (options) => {
    await using streams = await sqliteStreamFactory(":memory:");
    await expect(streams.verify(options as never)).rejects.toMatchObject({ code: "INVALID_ARGUMENT" });
  });
});
