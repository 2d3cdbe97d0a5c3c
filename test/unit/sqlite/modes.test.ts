import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type SQLiteOptions, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { assertUpToDate } from "../../../adapters/sqlite/open/migrate.js";
import { EVENT_STORE } from "../../../adapters/sqlite/open/schema.js";
import { ALL_STREAM, applyRetention, type RetentionOptions, type Stream } from "../../../index.js";
import { canListOpenFiles, openFilesIn } from "../../faults/support/open-files.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const EVENTS = Array.from({ length: 300 }, (_, index) => ({ type: "Counted", data: { index } }));

/** Every file of a folder with its content, but for the log's index and for logs without content. */
async function contentOf(folder: string): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for (const name of (await readdir(folder)).sort()) {
    const bytes = await readFile(join(folder, name));
    if (name.endsWith("-shm") || (name.endsWith("-wal") && bytes.length === 0)) continue;
    content[name] = createHash("sha256").update(bytes).digest("hex");
  }
  return content;
}

async function indexesOf(stream: Stream): Promise<number[]> {
  const found: number[] = [];
  for await (const { data } of stream.read()) found.push((data as { index: number }).index);
  return found;
}

describe.each(DRIVER_NAMES)("over %s", (driver) => {
  const open = (path: string, options?: SQLiteOptions) => sqliteStreamFactory(path, { ...options, driver });

  async function makeStore(path: string): Promise<void> {
    await using streams = await open(path);
    await using stream = await streams.openStream("a");
    await stream.write(EVENTS);
    await stream.snapshot({ count: EVENTS.length });
  }

  describe.each(["existing", "readonly"] as const)("a store that is opened as %s", (mode) => {
    test("is not made where there is none, nor anything beside it", async () => {
      await using folder = await createTempDir();
      for (const path of [folder.file("store.db"), folder.file("missing/store.db")]) {
        await expect(open(path, { mode })).rejects.toMatchObject({
          code: "STORAGE_NOT_FOUND",
          message: expect.stringContaining(path),
        });
      }
      expect(await readdir(folder.path)).toEqual([]);
    });

    test("is not made in a file that is empty", async () => {
      await using folder = await createTempDir();
      await writeFile(folder.file("store.db"), "");
      await expect(open(folder.file("store.db"), { mode })).rejects.toMatchObject({ code: "STORAGE_NOT_FOUND" });
      expect(await contentOf(folder.path)).toEqual({ "store.db": createHash("sha256").digest("hex") });
    });

    test("cannot be in memory", async () => {
      const refused = { code: "INVALID_ARGUMENT", argument: "mode" };
      await expect(open(":memory:", { mode })).rejects.toMatchObject(refused);
    });

    test("is read as any other", async () => {
      await using folder = await createTempDir();
      await makeStore(folder.file("store.db"));
      await using streams = await open(folder.file("store.db"), { mode });
      await using stream = await streams.openStream("a");
      expect(await indexesOf(stream)).toEqual(EVENTS.map(({ data }) => data.index));
      expect(await stream.loadSnapshot()).toMatchObject({ version: 300, state: { count: 300 } });
      expect(await stream.metrics()).toMatchObject({ eventCount: 300 });
    });
  });

  test("an existing store is written to", async () => {
    await using folder = await createTempDir();
    await makeStore(folder.file("store.db"));
    await using streams = await open(folder.file("store.db"), { mode: "existing" });
    await using stream = await streams.openStream("a");
    expect(await stream.write(EVENTS[0] as never)).toMatchObject({ version: 301 });
  });

  test("a dry run of retention needs no store that is written to", async () => {
    await using folder = await createTempDir();
    await makeStore(folder.file("store.db"));
    const before = await contentOf(folder.path);
    {
      await using streams = await open(folder.file("store.db"), { mode: "readonly" });
      const rules = [{ prefix: "", maxEvents: 100 }];
      const retain = (options?: RetentionOptions) => applyRetention(streams, rules, options)[Symbol.asyncIterator]();
      const wouldGo = await retain({ dryRun: true }).next();
      expect(wouldGo.value).toMatchObject({ streamId: "a", firstVersion: 201, removedEvents: 200 });
      await expect(retain().next()).rejects.toMatchObject({
        code: "STORAGE_READ_ONLY",
        message: expect.stringContaining("Cannot apply retention in"),
      });
    }
    expect(await contentOf(folder.path)).toEqual(before);
  });

  test("a store that is only read changes no byte, and refuses every write by its own code", async () => {
    await using folder = await createTempDir();
    await makeStore(folder.file("store.db"));
    const before = await contentOf(folder.path);
    const streams = await open(folder.file("store.db"), { mode: "readonly" });
    const stream = await streams.openStream("a");

    const refused = { name: "StorageError", code: "STORAGE_READ_ONLY", retryable: false };
    await expect(stream.write(EVENTS)).rejects.toMatchObject(refused);
    await expect(stream.write([])).rejects.toMatchObject(refused);
    await expect(stream.snapshot("state")).rejects.toMatchObject(refused);
    await expect(stream.snapshot("state", { keep: 1 })).rejects.toMatchObject(refused);
    const named = (attempt: string) => ({ ...refused, message: expect.stringContaining(`Cannot ${attempt} in /`) });
    await expect(streams.setStreamMetadata("s", {})).rejects.toMatchObject(named('set the metadata of stream "s"'));
    await expect(streams.deleteStream("s")).rejects.toMatchObject(named('delete stream "s"'));
    await expect(streams.transaction(async () => 1)).rejects.toMatchObject(named("begin a transaction"));
    expect(await indexesOf(stream)).toHaveLength(300);
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 300 });
    await streams[Symbol.asyncDispose]();
    expect(await contentOf(folder.path)).toEqual(before);
    await expect(stream.write(EVENTS)).rejects.toMatchObject({ code: "STREAM_CLOSED" });
  });

  test.runIf(canListOpenFiles())("a store that was only read leaves no file and no folder open", async () => {
    await using folder = await createTempDir();
    await makeStore(folder.file("store.db"));
    const streams = await open(folder.file("store.db"), { mode: "readonly" });
    expect(await indexesOf(await streams.openStream("a"))).toHaveLength(300);
    await streams[Symbol.asyncDispose]();
    expect(openFilesIn(folder.path)).toEqual([]);
  });

  test("a store that is only read leaves a log as it is, and reads what is in it", async () => {
    await using folder = await createTempDir();
    await using writing = await open(folder.file("store.db"));
    await (await writing.openStream("a")).write(EVENTS);
    // As after a crash: nobody has it open, and the log is there.
    const copy = folder.file("copy");
    await mkdir(copy);
    for (const ending of ["", "-wal"])
      await writeFile(join(copy, `store.db${ending}`), await readFile(folder.file(`store.db${ending}`)));
    const before = await contentOf(copy);
    expect(Object.keys(before)).toEqual(["store.db", "store.db-wal"]);

    const streams = await open(join(copy, "store.db"), { mode: "readonly" });
    expect(await indexesOf(await streams.openStream("a"))).toHaveLength(300);
    await streams[Symbol.asyncDispose]();
    expect(await contentOf(copy)).toEqual(before);
  });

  test("watches of a store that is only read see what others write", async () => {
    await using folder = await createTempDir();
    await makeStore(folder.file("store.db"));
    await using reading = await open(folder.file("store.db"), { mode: "readonly", pollIntervalMs: 5 });
    await using all = await reading.openStream(ALL_STREAM);
    const watching = all.watch()[Symbol.asyncIterator]();
    const next = watching.next();
    await using writing = await open(folder.file("store.db"));
    await (await writing.openStream("b")).write({ type: "Written", data: "later" });
    expect((await next).value).toMatchObject({ streamId: "b", position: 301, data: "later" });
    await watching.return?.();
  });

  test("a backup of a store that is only read is a store with everything in it", async () => {
    await using folder = await createTempDir();
    await mkdir(folder.file("source"));
    const path = join(folder.file("source"), "store.db");
    await makeStore(path);
    const raw = await DRIVERS[driver].open(path, "existing");
    await raw.exec("CREATE TABLE notes (text); INSERT INTO notes VALUES ('mine')");
    await raw.close();
    const before = await contentOf(folder.file("source"));

    const streams = await open(path, { mode: "readonly" });
    const all = await streams.backup(folder.file("all.db"));
    expect(all).toEqual({
      path: folder.file("all.db"),
      events: 300,
      position: 300,
      tables: [{ name: "notes", rows: 1 }],
    });
    expect(await streams.backup(folder.file("events.db"), { tables: "none" })).toMatchObject({
      events: 300,
      tables: [],
    });
    await expect(streams.backup(folder.file("all.db"))).rejects.toMatchObject({ code: "STORAGE_TARGET_EXISTS" });
    await streams[Symbol.asyncDispose]();

    expect(await contentOf(folder.file("source"))).toEqual(before);
    expect((await readdir(folder.path)).sort()).toEqual(["all.db", "events.db", "source"]);
    await using copy = await open(folder.file("all.db"), { mode: "readonly" });
    expect(await copy.verify()).toMatchObject({ ok: true, checkedEvents: 300 });
    expect(await (await copy.openStream("a")).loadSnapshot()).toMatchObject({ version: 300 });
  });

  test("a store that is only read notices that its file is another", async () => {
    await using folder = await createTempDir();
    await makeStore(folder.file("store.db"));
    await makeStore(folder.file("other.db"));
    await using streams = await open(folder.file("store.db"), { mode: "readonly", readPoolSize: 2 });
    await using stream = await streams.openStream("a");
    await rename(folder.file("other.db"), folder.file("store.db"));
    const reads = [stream.metrics(), stream.metrics(), stream.metrics()];
    expect((await Promise.allSettled(reads)).some(({ status }) => status === "rejected")).toBe(true);
    await expect(stream.metrics()).rejects.toMatchObject({ code: "STORAGE_REPLACED" });
  });

  test("a change that a crash has left unfinished has to be undone before a store is only read", async () => {
    await using folder = await createTempDir();
    await makeStore(folder.file("store.db"));
    await writeFile(folder.file("store.db-journal"), "unfinished");
    const before = await contentOf(folder.path);
    await expect(open(folder.file("store.db"), { mode: "readonly" })).rejects.toMatchObject({
      code: "STORAGE_READ_ONLY",
      message: expect.stringContaining("store.db-journal"),
    });
    expect(await contentOf(folder.path)).toEqual(before);
  });

  test("a store of an earlier schema has to be brought up to date before it is only read", async () => {
    await using folder = await createTempDir();
    await makeStore(folder.file("store.db"));
    const connection = await DRIVERS[driver].open(folder.file("store.db"), "readonly");
    await assertUpToDate(connection, "store.db");
    await expect(
      assertUpToDate(connection, "store.db", { ...EVENT_STORE, steps: [...EVENT_STORE.steps, "SELECT 1"] }),
    ).rejects.toMatchObject({
      code: "STORAGE_READ_ONLY",
      message: expect.stringContaining('open it once with mode: "existing"'),
    });
    await connection.close();
  });
});

test("a mode that there is not is refused", async () => {
  const refused = { code: "INVALID_ARGUMENT", argument: "mode" };
  await expect(sqliteStreamFactory(":memory:", { mode: "append" as never })).rejects.toMatchObject(refused);
});
