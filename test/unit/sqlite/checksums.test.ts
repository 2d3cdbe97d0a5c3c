import { readdir } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { type SQLiteOptions, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StoredEvent, StreamFactory, VerifyProblem } from "../../../protocols/index.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const UNCHECKED: SQLiteOptions = { checksums: false };

/** Four events of two streams: with a key, with metadata, of bytes, and large. */
async function writeFour(streams: StreamFactory): Promise<void> {
  const account = await streams.openStream("account");
  const bytes = await streams.openStream("bytes");
  const { version } = account;
  await account.write([
    { type: "Deposited", data: { amount: 1 }, idempotencyKey: `key-${version}` },
    { type: "Deposited", data: { amount: 2 }, metadata: { by: "me" } },
  ]);
  await bytes.write([
    { type: "Stored", data: new Uint8Array([0, 255]) },
    { type: "Stored", data: "x".repeat(100_000) },
  ]);
  await account.snapshot({ amount: 3, text: "x".repeat(2_000) });
}

async function allEvents(streams: StreamFactory): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const event of (await streams.openStream("@all")).read()) events.push(event);
  return events;
}

const UNLOCK = "DROP TRIGGER es_events_are_never_changed; DROP TRIGGER es_events_are_never_deleted;";

async function damage(path: string, sql: string): Promise<void> {
  const connection = await DRIVERS.sqlite3.open(path, "create");
  await connection.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
  await connection.close();
}

/** What is found besides the triggers that had to go for the damage to be done. */
async function problemsIn(path: string, options: SQLiteOptions): Promise<readonly VerifyProblem[]> {
  await using streams = await sqliteStreamFactory(path, options);
  const { problems } = await streams.verify();
  return problems.filter(({ detail }) => !detail.startsWith("trigger "));
}

describe.each(DRIVER_NAMES)("without checksums, over %s,", (driver) => {
  test("a store keeps what was written, and checks out", async () => {
    await using folder = await createTempDir();
    for (const path of [folder.file("store.db"), ":memory:"]) {
      await using streams = await sqliteStreamFactory(path, { driver, ...UNCHECKED });
      await writeFour(streams);
      expect(await allEvents(streams)).toMatchObject([
        { position: 1, streamId: "account", version: 1, id: "key-0", data: { amount: 1 }, metadata: null },
        { position: 2, streamId: "account", version: 2, data: { amount: 2 }, metadata: { by: "me" } },
        { position: 3, streamId: "bytes", version: 1, data: new Uint8Array([0, 255]) },
        { position: 4, streamId: "bytes", version: 2, data: "x".repeat(100_000) },
      ]);
      expect(await streams.verify()).toEqual({ ok: true, checkedEvents: 4, applicationTables: 0, problems: [] });
    }
  });
});

test.each([
  [true, ["store.db-head"]],
  [false, []],
])("with checksums %s, the last acknowledged position is recorded in %j", async (checksums, expected) => {
  await using folder = await createTempDir();
  const path = folder.file("store.db");
  await using other = await sqliteStreamFactory(path, { checksums });
  // A factory that is disposed of while the log is in use records what is due, and leaves the record.
  const reader = await DRIVERS.sqlite3.open(path, "readonly");
  await reader.exec("BEGIN; SELECT * FROM es_events");
  {
    await using streams = await sqliteStreamFactory(path, { checksums });
    await writeFour(streams);
  }
  expect((await readdir(folder.path)).filter((name) => name.endsWith("-head"))).toEqual(expected);
  await reader.close();
  expect(await other.verify()).toMatchObject({ ok: true, checkedEvents: 4 });
});

describe("a store that was written with checksums and without", () => {
  /** Positions 1 to 4 and 9 to 12 have checksums. */
  async function fillMixed(path: string): Promise<void> {
    for (const options of [{}, UNCHECKED, { checksums: true }, UNCHECKED]) {
      await using streams = await sqliteStreamFactory(path, options);
      await writeFour(streams);
    }
  }

  test.each([true, false])("checks out, and so does a copy of it, with checksums %s", async (checksums) => {
    await using folder = await createTempDir();
    await fillMixed(folder.file("store.db"));
    await using streams = await sqliteStreamFactory(folder.file("store.db"), { checksums });
    await streams.backup(folder.file("copy.db"));
    await using copy = await sqliteStreamFactory(folder.file("copy.db"), { checksums });
    expect(await allEvents(copy)).toEqual(await allEvents(streams));
    for (const store of [streams, copy]) {
      expect(await store.verify()).toEqual({ ok: true, checkedEvents: 16, applicationTables: 0, problems: [] });
    }
  });

  test.each([
    ["store.db", true],
    ["store.db", false],
    ["copy.db", true],
    ["copy.db", false],
  ])("has in %s the events that have one compared, with checksums %s", async (name, checksums) => {
    await using folder = await createTempDir();
    await fillMixed(folder.file("store.db"));
    {
      await using streams = await sqliteStreamFactory(folder.file("store.db"), { checksums: !checksums });
      await streams.backup(folder.file("copy.db"));
    }
    await damage(folder.file(name), `${UNLOCK} UPDATE es_events SET timestamp = timestamp + 1`);
    const problems = await problemsIn(folder.file(name), { checksums });
    expect(problems.map(({ kind, position }) => [kind, position])).toEqual(
      [1, 2, 3, 4, 9, 10, 11, 12].map((position) => ["checksum", position]),
    );
  });

  test("by two factories at once checks out through either", async () => {
    await using folder = await createTempDir();
    await using checked = await sqliteStreamFactory(folder.file("store.db"));
    await using unchecked = await sqliteStreamFactory(folder.file("store.db"), UNCHECKED);
    for (const streams of [checked, unchecked, checked, unchecked]) await writeFour(streams);
    for (const streams of [checked, unchecked]) {
      expect(await streams.verify()).toEqual({ ok: true, checkedEvents: 16, applicationTables: 0, problems: [] });
    }
  });
});

describe("what needs no checksum of an event is found without:", () => {
  test.each([
    ["a position", `${UNLOCK} DELETE FROM es_events WHERE position = 3`, { kind: "gap", position: 3 }],
    ["a version", `${UNLOCK} DELETE FROM es_events WHERE position = 3`, { kind: "gap", streamId: "bytes", version: 1 }],
    ["the end", `${UNLOCK} DELETE FROM es_events WHERE position = 4`, { kind: "head", position: 3 }],
    ["a stream's name", "DELETE FROM es_streams WHERE name = 'bytes'", { kind: "checksum", position: 3 }],
    ["a type's name", "DELETE FROM es_types WHERE name = 'Stored'", { kind: "checksum", position: 3 }],
    ["an index", "DROP INDEX es_events_by_key", { kind: "schema" }],
    ["a changed snapshot", "UPDATE es_snapshots SET state = zeroblob(9)", { kind: "snapshot", streamId: "account" }],
  ])("%s", async (_, sql, problem) => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    {
      await using streams = await sqliteStreamFactory(path, UNCHECKED);
      await writeFour(streams);
    }
    await damage(path, sql);
    expect(await problemsIn(path, UNCHECKED)).toContainEqual(expect.objectContaining(problem));
  });
});
