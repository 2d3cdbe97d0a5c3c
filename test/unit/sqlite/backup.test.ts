import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { relative } from "node:path";
import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { BackupProgress, StoredEvent, StreamFactory } from "../../../protocols/index.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

async function allEvents(streams: StreamFactory): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const event of (await streams.openStream("@all")).read()) events.push(event);
  return events;
}

async function fill(streams: StreamFactory, events: number): Promise<void> {
  const [a, b] = [await streams.openStream("a"), await streams.openStream("b")];
  await a.write(Array.from({ length: events - 2 }, (_, index) => ({ type: "Counted", data: { index } })));
  await b.write([
    { type: "Keyed", data: "text", metadata: { by: "me" }, idempotencyKey: "k" },
    { type: "Bytes", data: new Uint8Array([0, 255]) },
  ]);
  await a.snapshot({ count: events - 2 });
}

describe.each(DRIVER_NAMES)("a backup over %s", (driver) => {
  test.each(["file", "memory"])("of a store in %s is a store of its own, equal and sound", async (place) => {
    await using folder = await createTempDir();
    const path = place === "file" ? folder.file("store.db") : ":memory:";
    await using streams = await sqliteStreamFactory(path, { driver });
    await fill(streams, 10_000);
    const told: BackupProgress[] = [];
    const target = folder.file("a copy 100% #1?.db");
    const report = await streams.backup(target, { onProgress: (progress) => told.push(progress) });
    expect(report).toEqual({ path: target, events: 10_000, position: 10_000, tables: [] });
    expect(told.length).toBeGreaterThan(1);
    expect(told.at(-1)).toEqual({ copiedEvents: 10_000, totalEvents: 10_000 });

    await using copy = await sqliteStreamFactory(target, { driver });
    expect(await allEvents(copy)).toEqual(await allEvents(streams));
    expect(await (await copy.openStream("a")).loadSnapshot()).toMatchObject({
      version: 9_998,
      state: { count: 9_998 },
    });
    expect(await copy.verify()).toEqual({ ok: true, checkedEvents: 10_000, applicationTables: 0, problems: [] });
    expect(await (await copy.openStream("b")).write({ type: "Next", data: 1 })).toMatchObject({
      version: 3,
      position: 10_001,
    });
  });

  test("that is made while others write is a prefix of the store", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"), { driver, durability: "normal" });
    await fill(streams, 20_000);
    let isCopying = true;
    const writing = [1, 2, 3].map(async (number) => {
      const stream = await streams.openStream(`writer-${number}`);
      for (let count = 1; isCopying; count += 1) {
        await stream.write([
          { type: "One", data: count },
          { type: "Two", data: count },
        ]);
        await stream.snapshot({ count });
      }
    });
    await streams.backup(folder.file("copy.db"));
    isCopying = false;
    await Promise.all(writing);

    await using copy = await sqliteStreamFactory(folder.file("copy.db"), { driver });
    const copied = await allEvents(copy);
    expect(copied).toEqual((await allEvents(streams)).slice(0, copied.length));
    expect(copied.length).toBeGreaterThanOrEqual(20_000);
    expect(await copy.verify()).toMatchObject({ ok: true });
  });
});

describe("a backup that does not come about", () => {
  test.each([
    ["where a file is already", "taken.db", "STORAGE_TARGET_EXISTS"],
    ["where the store itself is", "store.db", "STORAGE_TARGET_EXISTS"],
    ["in a folder that is not there", "missing/copy.db", "STORAGE_FOLDER_MISSING"],
    ["in a file", "store.db/copy.db", "STORAGE_FOLDER_MISSING"],
  ])("%s leaves everything as it was", async (_, name, code) => {
    await using folder = await createTempDir();
    await writeFile(folder.file("taken.db"), "mine");
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    await fill(streams, 10);
    // The last acknowledged position is recorded a little later than the event.
    const listed = async () => (await readdir(folder.path)).filter((file) => !file.endsWith("-head"));
    const before = await listed();
    await expect(streams.backup(folder.file(name))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/Cannot back up/),
    });
    expect(await listed()).toEqual(before);
    expect(await allEvents(streams)).toHaveLength(10);
  });

  test("because it was aborted, or because the progress function throws, leaves no file", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    await fill(streams, 10_000);
    // As where what failed was another database.
    const reason = Object.assign(new Error("enough"), { code: "SQLITE_IOERR" });
    const controller = new AbortController();
    const aborted = streams.backup(folder.file("copy.db"), {
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(aborted).rejects.toBe(reason);
    const own = Object.assign(new Error("locked"), { code: "SQLITE_BUSY" });
    const thrown = streams.backup(folder.file("copy.db"), {
      onProgress: () => {
        throw own;
      },
    });
    await expect(thrown).rejects.toBe(own);
    expect((await readdir(folder.path)).filter((name) => name.startsWith("copy"))).toEqual([]);
    await expect(streams.backup(folder.file("copy.db"))).resolves.toMatchObject({ events: 10_000 });
  });

  test("because the factory is disposed leaves no file", async () => {
    await using folder = await createTempDir();
    for (const path of [folder.file("store.db"), ":memory:"]) {
      const streams = await sqliteStreamFactory(path);
      await fill(streams, 10_000);
      const running = streams.backup(folder.file("copy.db")).catch((error: unknown) => error);
      await streams[Symbol.asyncDispose]();
      expect(await running).toMatchObject({ code: "STREAM_CLOSED" });
      expect((await readdir(folder.path)).filter((name) => name.startsWith("copy"))).toEqual([]);
    }
  });

  test("because a file has come to be there meanwhile leaves that one as it is", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    await fill(streams, 10);
    const target = folder.file("copy.db");
    const backup = streams.backup(target, { onProgress: () => writeFileSync(target, "mine") });
    await expect(backup).rejects.toMatchObject({
      code: "STORAGE_TARGET_EXISTS",
      message: expect.stringMatching(/Cannot back up/),
    });
    expect(await readFile(target, "utf8")).toBe("mine");
    expect((await readdir(folder.path)).filter((name) => name.startsWith("copy"))).toEqual(["copy.db"]);
  });

  test.skipIf(process.platform === "win32")("because the copy was taken away says so, and leaves no file", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    await fill(streams, 10);
    const removeCopies = (): void => {
      for (const name of readdirSync(folder.path)) if (name.startsWith("copy.db.partial")) rmSync(folder.file(name));
    };
    const backup = streams.backup(folder.file("copy.db"), { onProgress: removeCopies });
    await expect(backup).rejects.toMatchObject({
      code: "STORAGE_IO",
      message: expect.stringMatching(/Cannot back up to .*copy\.db: .*ENOENT/),
    });
    expect((await readdir(folder.path)).filter((name) => name.startsWith("copy"))).toEqual([]);
  });

  test.each([
    ["behind the last event", "UPDATE sqlite_sequence SET seq = 3 WHERE name = 'es_events'"],
    ["not there", "DELETE FROM sqlite_sequence WHERE name = 'es_events'"],
  ])("because the counter of positions is %s says so, and leaves no file", async (_, damage) => {
    await using folder = await createTempDir();
    {
      await using streams = await sqliteStreamFactory(folder.file("store.db"));
      await fill(streams, 10);
    }
    const connection = await DRIVERS.sqlite3.open(folder.file("store.db"), "create");
    await connection.exec(damage);
    await connection.close();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    await expect(streams.backup(folder.file("copy.db"))).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
    expect((await readdir(folder.path)).filter((name) => name.startsWith("copy"))).toEqual([]);
  });

  test("because events are missing says so, and leaves no file", async () => {
    await using folder = await createTempDir();
    {
      await using streams = await sqliteStreamFactory(folder.file("store.db"));
      await fill(streams, 10);
    }
    const connection = await DRIVERS.sqlite3.open(folder.file("store.db"), "create");
    await connection.exec("DROP TRIGGER es_events_are_never_deleted; DELETE FROM es_events WHERE position = 4");
    await connection.close();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    const backup = streams.backup(folder.file("copy.db"));
    await expect(backup).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(/of the 10 events up to position 10 it has 9/),
    });
    expect((await readdir(folder.path)).filter((name) => name.startsWith("copy"))).toEqual([]);
  });

  test("because an event has a value that none can have says so, and leaves no file", async () => {
    await using folder = await createTempDir();
    {
      await using streams = await sqliteStreamFactory(folder.file("store.db"));
      await fill(streams, 10);
    }
    const connection = await DRIVERS.sqlite3.open(folder.file("store.db"), "create");
    await connection.exec(`PRAGMA ignore_check_constraints = ON; DROP TRIGGER es_events_are_never_changed;
      UPDATE es_events SET version = 0 WHERE position = 4`);
    await connection.close();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    await expect(streams.backup(folder.file("copy.db"))).rejects.toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringContaining("an event after position 0 has a value that no event can have"),
    });
    expect((await readdir(folder.path)).filter((name) => name.startsWith("copy"))).toEqual([]);
  });

  test.each(["-journal", "-wal", "-shm", "-head"])("to a name that belongs to a database there: %s", async (ending) => {
    await using folder = await createTempDir();
    await mkdir(folder.file("elsewhere"));
    await symlink(folder.path, folder.file("elsewhere/link"));
    await writeFile(folder.file("another.db"), "");
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    await fill(streams, 10);
    await symlink(folder.file("store.db"), folder.file("alias.db"));
    const relativePath = relative(process.cwd(), folder.file("store.db"));
    for (const database of [
      relativePath,
      folder.file("elsewhere/link/store.db"),
      folder.file("alias.db"),
      folder.file("another.db"),
    ]) {
      await expect(streams.backup(database + ending)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        argument: "path",
        message: expect.stringMatching(/belongs to .*\.db; choose another path/),
      });
    }
    expect((await readdir(folder.path)).filter((name) => name.includes("partial"))).toEqual([]);
    await expect(streams.backup(folder.file(`other${ending}`))).resolves.toMatchObject({ events: 10 });
  });

  test("beside a file that would be taken for a part of the copy is refused", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    await writeFile(folder.file("copy.db-wal"), "the log of a database that is gone");
    await expect(streams.backup(folder.file("copy.db"))).rejects.toMatchObject({
      code: "STORAGE_TARGET_EXISTS",
      message: expect.stringMatching(/there is .*copy\.db-wal/),
    });
  });

  test("to a name that is too long says how long it may be, and the longest one is a store", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"));
    await fill(streams, 10);
    for (const path of [folder.file("n".repeat(231)), folder.file("ü".repeat(116)), folder.file("n/".repeat(300))]) {
      await expect(streams.backup(path)).rejects.toMatchObject({
        code: "INVALID_ARGUMENT",
        argument: "path",
        message: expect.stringMatching(/has \d+ bytes, and a copy and the files beside it take \d+ at most/),
      });
    }
    await streams.backup(folder.file("n".repeat(230)));
    await using copy = await sqliteStreamFactory(folder.file("n".repeat(230)));
    expect(await allEvents(copy)).toHaveLength(10);
  });

  test.each(["", ":memory:", 7, undefined, "a\0b"])("to the path %j is refused", async (path) => {
    await using streams = await sqliteStreamFactory(":memory:");
    await expect(streams.backup(path as string)).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "path" });
  });
});
