import { mkdir, readdir, readFile, readlink, rmdir, symlink, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { type SQLiteOptions, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

describe.each(DRIVER_NAMES)("over %s", (driver) => {
  const openStore = (path: string, options?: SQLiteOptions) => sqliteStreamFactory(path, { ...options, driver });

  // Through the same driver: the locks of one are not seen by the other within a process.
  const openRaw = (path: string) => DRIVERS[driver].open(path, "create");

  async function makeStore(path: string): Promise<void> {
    await using streams = await openStore(path);
    await (await streams.openStream("a")).write({ type: "A", data: 1 });
  }

  describe("a file that cannot be a store is refused by its own code, and left as it was", () => {
    test("a database in a folder that is not there", async () => {
      await using folder = await createTempDir();
      const path = folder.file("missing/store.db");
      await expect(openStore(path)).rejects.toMatchObject({
        code: "STORAGE_FOLDER_MISSING",
        message: expect.stringContaining(path),
      });
    });

    test("a relative path where the working directory was removed", async () => {
      await using folder = await createTempDir();
      const before = process.cwd();
      await mkdir(folder.file("removed"));
      process.chdir(folder.file("removed"));
      try {
        await rmdir(folder.file("removed"));
        await expect(openStore("store.db")).rejects.toMatchObject({
          code: "STORAGE_FOLDER_MISSING",
          message: expect.stringContaining("store.db"),
        });
      } finally {
        process.chdir(before);
      }
    });

    test("a path through a file", async () => {
      await using folder = await createTempDir();
      await writeFile(folder.file("file"), "");
      await expect(openStore(folder.file("file/store.db"))).rejects.toMatchObject({
        code: "STORAGE_FOLDER_MISSING",
      });
    });

    test("a directory", async () => {
      await using folder = await createTempDir();
      await mkdir(folder.file("store.db"));
      await expect(openStore(folder.file("store.db"))).rejects.toMatchObject({ code: "STORAGE_IS_DIRECTORY" });
    });

    test.each([
      ["a short text", "hello"],
      ["a long text", "hello, world. ".repeat(1_000)],
    ])("%s", async (_, content) => {
      await using folder = await createTempDir();
      const path = folder.file("notes.txt");
      await writeFile(path, content);
      await expect(openStore(path)).rejects.toMatchObject({ code: "STORAGE_NOT_A_DATABASE" });
      expect(await readFile(path, "utf8")).toBe(content);
    });

    test.runIf(process.platform === "linux")("a device", async () => {
      await expect(openStore("/dev/null")).rejects.toMatchObject({ code: "STORAGE_NOT_A_DATABASE" });
    });

    test.skipIf(process.platform === "win32").each([
      ["a link", "store.db"],
      ["a store with a log", "store.db-wal"],
    ])("%s that leads to itself", async (_, name) => {
      await using folder = await createTempDir();
      if (name !== "store.db") await makeStore(folder.file("store.db"));
      await symlink(folder.file(name), folder.file(name));
      await expect(openStore(folder.file("store.db"))).rejects.toMatchObject({
        code: "STORAGE_PERMISSION_DENIED",
        message: expect.stringContaining(folder.file("store.db")),
        cause: expect.objectContaining({ code: "ELOOP" }),
      });
      expect(await readlink(folder.file(name))).toBe(folder.file(name));
    });

    test("another program's database", async () => {
      await using folder = await createTempDir();
      const path = folder.file("other.db");
      const raw = await openRaw(path);
      await raw.exec("CREATE TABLE notes (text)");
      await raw.close();
      const before = await readFile(path);
      await expect(openStore(path)).rejects.toMatchObject({
        code: "STORAGE_FOREIGN_DATABASE",
        message: expect.stringContaining(
          "it is another program's database (application_id 0), and not a store of events",
        ),
      });
      expect((await readFile(path)).equals(before)).toBe(true);
    });

    test("a store that a newer version wrote", async () => {
      await using folder = await createTempDir();
      const path = folder.file("newer.db");
      await makeStore(path);
      const raw = await openRaw(path);
      await raw.exec("PRAGMA user_version = 99");
      await raw.close();
      const before = await readFile(path);
      await expect(openStore(path)).rejects.toMatchObject({ code: "STORAGE_NEWER_SCHEMA" });
      expect((await readFile(path)).equals(before)).toBe(true);
    });

    test.each([0, -1])("a store whose schema has a version that none has: %i", async (version) => {
      await using folder = await createTempDir();
      const path = folder.file("damaged.db");
      await makeStore(path);
      const raw = await openRaw(path);
      await raw.exec(`PRAGMA user_version = ${version}`);
      await raw.close();
      const before = await readFile(path);
      await expect(openStore(path)).rejects.toMatchObject({
        code: "STORAGE_CORRUPT",
        message: expect.stringContaining(`its schema has version ${version}, which no store has`),
      });
      expect((await readFile(path)).equals(before)).toBe(true);
    });

    test("a store that says only in its log that a newer version wrote it", async () => {
      await using folder = await createTempDir();
      const path = folder.file("newer.db");
      await makeStore(path);
      const raw = await openRaw(path);
      await raw.exec("PRAGMA user_version = 99");
      await expect(openStore(path)).rejects.toMatchObject({ code: "STORAGE_NEWER_SCHEMA" });
      await raw.close();
    });
  });

  test("a lock that another connection holds for too long is its own error, and later the store opens and writes", async () => {
    await using folder = await createTempDir();
    const path = folder.file("locked.db");
    await makeStore(path);
    await using streams = await openStore(path, { busyTimeoutMs: 50 });
    const stream = await streams.openStream("a");
    const raw = await openRaw(path);
    await raw.exec("BEGIN IMMEDIATE");
    await expect(stream.write({ type: "B", data: 2 })).rejects.toMatchObject({ code: "STORAGE_LOCKED" });
    await raw.exec("ROLLBACK");
    await expect(stream.write({ type: "B", data: 2 })).resolves.toMatchObject({ version: 2, written: 1 });
    await raw.close();
  });

  test("a write waits for a lock that is let go in time", async () => {
    await using folder = await createTempDir();
    const path = folder.file("locked.db");
    await using streams = await openStore(path);
    const stream = await streams.openStream("a");
    await stream.write({ type: "A", data: 1 });
    const raw = await openRaw(path);
    await raw.exec("BEGIN IMMEDIATE");
    const write = stream.write({ type: "B", data: 2 });
    const aborted = new AbortController();
    const other = stream.write({ type: "C", data: 3 }, { signal: aborted.signal });
    aborted.abort(new Error("no longer wanted"));
    await expect(other).rejects.toThrow("no longer wanted");
    await raw.exec("ROLLBACK");
    expect(await write).toEqual({ version: 2, position: 2, written: 1 });
    await raw.close();
  });

  test("a path may be a URL of a file, whatever characters are in it", async () => {
    await using folder = await createTempDir();
    const path = folder.file("a store #1 100% ü?.db");
    const url = pathToFileURL(path);
    await using streams = await sqliteStreamFactory(url, { driver });
    await (await streams.openStream("a")).write({ type: "A", data: 1 });
    await streams[Symbol.asyncDispose]();
    await using again = await openStore(path);
    expect((await again.openStream("a")).version).toBe(1);
  });

  test("events cannot be changed or deleted behind the library's back", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await makeStore(path);
    const raw = await openRaw(path);
    await expect(raw.exec("UPDATE es_events SET type = 2")).rejects.toThrow("append-only");
    await expect(raw.exec("DELETE FROM es_events")).rejects.toThrow("append-only");
    await raw.close();
  });
});

test.each([
  ["path", () => sqliteStreamFactory("")],
  ["path", () => sqliteStreamFactory("a\0b")],
  ["path", () => sqliteStreamFactory(5 as never)],
  ["path", () => sqliteStreamFactory("file:///stores/store.db")],
  ["path", () => sqliteStreamFactory("file:store.db?mode=memory")],
  ["path", () => sqliteStreamFactory("memory:")],
  ["path", () => sqliteStreamFactory(new URL("https://example.org/store.db"))],
  ["path", () => sqliteStreamFactory(new URL("file:///store.db?mode=ro"))],
  ["path", () => sqliteStreamFactory(new URL("file:///a%00b"))],
  ["options", () => sqliteStreamFactory(":memory:", 5 as never)],
  ["readPoolsize", () => sqliteStreamFactory(":memory:", { readPoolsize: 2 } as never)],
  ["readPoolSize", () => sqliteStreamFactory(":memory:", { readPoolSize: 0 })],
  ["busyTimeoutMs", () => sqliteStreamFactory(":memory:", { busyTimeoutMs: -1 })],
  ["pollIntervalMs", () => sqliteStreamFactory(":memory:", { pollIntervalMs: 1.5 })],
  ["driver", () => sqliteStreamFactory(":memory:", { driver: "sqlite" as never })],
  ["driver", () => sqliteStreamFactory(":memory:", { driver: ["sqlite3"] as never })],
  ["driver", () => sqliteStreamFactory(":memory:", { driver: Object.create(null) as never })],
  ["durability", () => sqliteStreamFactory(":memory:", { durability: "none" as never })],
  ["checksums", () => sqliteStreamFactory(":memory:", { checksums: 0 as never })],
  ["checksums", () => sqliteStreamFactory(":memory:", { checksums: "false" as never })],
])("a bad %s is refused by name", async (argument, opening) => {
  await expect(opening()).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument });
});

test.each([
  ["file:///stores/store.db", "pass a URL as an object, new URL(...), or the path without the scheme"],
  ["memory:", 'write ":memory:", or use memoryStreamFactory'],
])("the path %j is refused, and the message says what to write", async (path, advice) => {
  await expect(sqliteStreamFactory(path)).rejects.toMatchObject({ message: expect.stringContaining(advice) });
});

test.each(["\ud800.db", "store-\udc00.db"])("the path %j with a lone surrogate is refused", async (name) => {
  await using folder = await createTempDir();
  await using streams = await sqliteStreamFactory(":memory:");
  const refusal = { code: "INVALID_ARGUMENT", argument: "path", message: expect.stringContaining("lone surrogate") };
  await expect(sqliteStreamFactory(folder.file(name))).rejects.toMatchObject(refusal);
  await expect(streams.backup(folder.file(name))).rejects.toMatchObject(refusal);
  expect(await readdir(folder.path)).toEqual([]);
});

test("a bad option is refused with the path of the store, and nothing is made", async () => {
  await using folder = await createTempDir();
  const opening = sqliteStreamFactory(folder.file("store.db"), { readPoolsize: 2 } as never);
  const message = expect.stringContaining(`Cannot open ${folder.file("store.db")}: invalid readPoolsize: `);
  await expect(opening).rejects.toMatchObject({ code: "INVALID_ARGUMENT", argument: "readPoolsize", message });
  expect(await readdir(folder.path)).toEqual([]);
});
