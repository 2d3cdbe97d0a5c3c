import { mkdir, readdir, readFile, rename, rm, stat, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { MaintainableStreamFactory, Stream } from "../../../protocols/index.js";
import { handle, loadState, stateCache } from "../../../src/commands/index.js";
import { compiledProgram } from "../../support/compiled-program.js";
import { NodeProcess } from "../../support/node-process.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

// SQLite goes on with the files that it has opened, whatever happens to their names. A store must not: what it would
// acknowledge then is in a file that nobody finds again.

const APPENDER = fileURLToPath(new URL("fixtures/appender.ts", import.meta.url));
const LARGE = "x".repeat(100_000);
const REPLACED = { code: "STORAGE_REPLACED" };
const WAIT = { timeout: 10_000 };
const COUNT = { name: "count", initial: () => 0, evolve: (count: number) => count + 1 };
const COUNTED = () => ({ type: "Counted" as const, data: {} });

interface Opened extends AsyncDisposable {
  readonly streams: MaintainableStreamFactory;
  readonly stream: Stream;
}

async function openWithEvents(path: string, driver: DriverName, events: number): Promise<Opened> {
  const streams = await sqliteStreamFactory(path, { driver });
  const stream = await streams.openStream("a");
  for (let data = 0; data < events; data += 1) await stream.write({ type: "A", data });
  return { streams, stream, [Symbol.asyncDispose]: () => streams[Symbol.asyncDispose]() };
}

/** How many events there are for whoever opens the store at a path. */
async function countEvents(path: string, driver: DriverName): Promise<number> {
  await using streams = await sqliteStreamFactory(path, { driver });
  expect(await streams.verify()).toMatchObject({ ok: true });
  return (await streams.openStream("a")).version;
}

/** How many pages SQLite takes the log to hold. */
async function framesOf(path: string, driver: DriverName): Promise<number> {
  const connection = await DRIVERS[driver].open(path, "existing");
  try {
    const [row] = await connection.all<{ log: number }>("PRAGMA wal_checkpoint(NOOP)");
    return row?.log ?? 0;
  } finally {
    await connection.close();
  }
}

/** Has the next commit be written over what the log holds. */
async function restartLog(path: string, driver: DriverName): Promise<void> {
  const connection = await DRIVERS[driver].open(path, "existing");
  try {
    await connection.all("PRAGMA wal_checkpoint(RESTART)");
  } finally {
    await connection.close();
  }
}

/** Moves what begins with a name into a folder of its own. */
async function moveAway(path: string, name: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(join(folder, "moved"));
  for (const file of await readdir(folder)) {
    if (file.startsWith(name)) await rename(join(folder, file), join(folder, "moved", file));
  }
}

describe.skipIf(process.platform === "win32").each(DRIVER_NAMES)("over %s, an open store whose files", (driver) => {
  const replacements: [how: string, message: RegExp, replace: (path: string) => Promise<unknown>][] = [
    ["were deleted", /deleted or moved away/, async (path) => rm(dirname(path), { recursive: true, maxRetries: 5 })],
    ["were moved", /deleted or moved away/, (path) => moveAway(path, "store.db")],
    [
      "were moved with their folder",
      /deleted or moved away/,
      (path) => rename(dirname(path), `${dirname(path)}-moved`),
    ],
    ["are still there, but for the database", /the database .* was deleted or moved/, (path) => rm(path)],
    // SQLite makes a new one for a connection that is being opened meanwhile.
    ["are still there, but for the log", /the log .*-wal was (deleted or moved|replaced)/, (path) => rm(`${path}-wal`)],
    ["are still there, but for the log's index", /-shm was (deleted or moved|replaced)/, (path) => rm(`${path}-shm`)],
    [
      "were replaced by another",
      /the database .* was replaced/,
      async (path) => {
        await writeFile(`${path}.copy`, "another file");
        await rename(`${path}.copy`, path);
      },
    ],
  ];

  test.each(replacements)("%s acknowledges nothing more, and answers nothing more", async (_, message, replace) => {
    await using folder = await createTempDir();
    await mkdir(folder.file("data"));
    const path = folder.file("data/store.db");
    await using opened = await openWithEvents(path, driver, 3);
    const { streams, stream } = opened;
    const failed = vi.fn();
    stream.watch().subscribe({ error: failed });
    await replace(path);

    const writes = await Promise.allSettled([1, 2, 3].map(() => stream.write({ type: "B", data: LARGE })));
    expect(writes).toEqual(writes.map(() => expect.objectContaining({ status: "rejected" })));
    const refused = { ...REPLACED, message: expect.stringMatching(message) };
    await expect(stream.write({ type: "B", data: 1 })).rejects.toMatchObject(refused);
    await expect(stream.write({ type: "B", data: 1 })).rejects.not.toThrow(/permission/);
    await expect(stream.snapshot({ sum: 1 })).rejects.toMatchObject(REPLACED);
    await expect(stream.metrics()).rejects.toMatchObject(REPLACED);
    await expect(streams.openStream("b")).rejects.toMatchObject(REPLACED);
    await expect(stream.read()[Symbol.asyncIterator]().next()).rejects.toMatchObject(REPLACED);
    await expect(streams.verify()).rejects.toMatchObject(REPLACED);
    await expect(streams.backup(folder.file("backup.db"))).rejects.toMatchObject(REPLACED);
    await vi.waitFor(() => expect(failed).toHaveBeenCalledWith(expect.objectContaining(REPLACED)));
    expect(await readdir(folder.path)).not.toContain("backup.db");
  });

  test.each(["create", "readonly"] as const)(
    "were moved answers nothing more, with mode %s, where it only reads",
    async (mode) => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using writer = await openWithEvents(path, driver, 3);
      await using streams = await sqliteStreamFactory(path, { driver, mode });
      await using stream = await streams.openStream("a");
      expect(await stream.metrics()).toMatchObject({ eventCount: 3 });
      await moveAway(path, "store.db");
      await vi.waitFor(() => expect(stream.metrics()).rejects.toMatchObject(REPLACED), WAIT);
      await expect(stream.read()[Symbol.asyncIterator]().next()).rejects.toMatchObject(REPLACED);
      await expect(writer.stream.write({ type: "B", data: 1 })).rejects.toMatchObject(REPLACED);
    },
  );

  test("were moved answers nothing more where commands have kept its end in memory", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using opened = await openWithEvents(path, driver, 3);
    const { streams } = opened;
    const cache = stateCache();
    for (let command = 0; command < 20; command += 1) await handle(streams, COUNT, "a", COUNTED, { cache });
    // What the store does a moment after a write would notice it, too.
    await vi.waitFor(async () => expect(await readFile(`${path}-head`, "latin1")).toContain("position 23 "));
    await moveAway(path, "store.db");
    await vi.waitFor(() => expect(loadState(streams, COUNT, "a", { cache })).rejects.toMatchObject(REPLACED), WAIT);
  });

  test("were moved is whole where it was moved to", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    {
      await using opened = await openWithEvents(path, driver, 30);
      // It is recorded a moment later, where the store was then.
      await vi.waitFor(async () => expect(await readFile(`${path}-head`, "latin1")).toContain("position 30 "));
      await moveAway(path, "store.db");
      await expect(opened.stream.write({ type: "B", data: 1 })).rejects.toMatchObject(REPLACED);
    }
    expect(await readdir(folder.path)).toEqual(["moved"]);
    expect(await countEvents(folder.file("moved/store.db"), driver)).toBeGreaterThanOrEqual(30);
  });

  test("was moved without its log leaves the log where it is", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    {
      await using opened = await openWithEvents(path, driver, 30);
      await rename(path, folder.file("elsewhere.db"));
      await expect(opened.stream.write({ type: "B", data: LARGE })).rejects.toMatchObject(REPLACED);
    }
    await rename(folder.file("elsewhere.db"), path);
    expect(await countEvents(path, driver)).toBeGreaterThanOrEqual(30);
  });

  test("were replaced by those of another store leaves that store alone", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    await using opened = await openWithEvents(path, driver, 30);
    await moveAway(path, "store.db");
    await using other = await openWithEvents(path, driver, 5);
    await expect(opened.stream.write({ type: "B", data: 1 }, { expectedVersion: 5 })).rejects.toMatchObject(REPLACED);
    await opened[Symbol.asyncDispose]();
    expect(await other.stream.write({ type: "A", data: 5 })).toMatchObject({ version: 6 });
    expect(await other.streams.verify()).toMatchObject({ ok: true });
  });

  test("lost the name of the log saves what it has acknowledged as it is closed", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    {
      await using opened = await openWithEvents(path, driver, 30);
      await rm(`${path}-wal`);
      await expect(opened.stream.write({ type: "B", data: 1 })).rejects.toMatchObject(REPLACED);
    }
    expect(await countEvents(path, driver)).toBeGreaterThanOrEqual(30);
  });

  test("lost the names of the log and its index leaves what another process has stored since", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    {
      await using _ = await openWithEvents(path, driver, 30);
      for (const ending of ["-wal", "-shm"]) await rm(path + ending);
      await using appender = new NodeProcess(compiledProgram(APPENDER), { args: [path, "other", 100, "any", driver] });
      expect(await appender.ended).toMatchObject({ exitCode: 0, stderr: "" });
    }
    await using streams = await sqliteStreamFactory(path, { driver });
    expect((await streams.openStream("other")).version).toBe(100);
    // The record of what was acknowledged tells that the former events are lost; nothing else is wrong.
    expect((await streams.verify()).problems.filter(({ kind }) => kind !== "head")).toEqual([]);
  });

  test("lost the names of the log and its index saves what it has acknowledged after another process looked", async () => {
    await using folder = await createTempDir();
    const path = folder.file("store.db");
    {
      await using _ = await openWithEvents(path, driver, 30);
      for (const ending of ["-wal", "-shm"]) await rm(path + ending);
      await using appender = new NodeProcess(compiledProgram(APPENDER), { args: [path, "other", 0, "any", driver] });
      expect(await appender.ended).toMatchObject({ exitCode: 0, stderr: "" });
    }
    expect(await countEvents(path, driver)).toBe(30);
  });
});

describe.skipIf(process.platform === "win32").each(DRIVER_NAMES)(
  "over %s, an open store whose log is cut",
  (driver) => {
    test.each([
      ["to nothing", (_: number) => 0],
      ["in its middle", (size: number) => Math.floor(size / 2)],
      ["within its last page", (size: number) => size - 50],
      ["by its last bytes", (size: number) => size - 8],
    ])("%s acknowledges nothing more", async (_, lengthOf) => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using opened = await openWithEvents(path, driver, 30);
      const { size } = await stat(`${path}-wal`);
      await truncate(`${path}-wal`, lengthOf(size));
      const cut = { code: "STORAGE_CORRUPT" };
      const outcomes = await Promise.allSettled(
        Array.from({ length: 3 }, () => opened.stream.write({ type: "B", data: 1 })),
      );
      expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
      await expect(opened.stream.write({ type: "B", data: 1 })).rejects.toMatchObject(cut);
      await expect(opened.stream.snapshot({ sum: 1 })).rejects.toMatchObject(cut);
    });

    test.each([
      ["few pages", 10],
      ["so many that it is longer than it ever was", 2_000_000],
    ])("after it began anew acknowledges nothing more, also where the next commit has %s", async (_, characters) => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using opened = await openWithEvents(path, driver, 60);
      const { size } = await stat(`${path}-wal`);
      await restartLog(path, driver);
      // Over what it held before, which is most of the file.
      for (let index = 0; index < 20; index += 1) await opened.stream.write({ type: "B", data: index });
      expect((await stat(`${path}-wal`)).size).toBe(size);
      await truncate(`${path}-wal`, 32 + 3 * 4_120);

      for (const data of ["x".repeat(characters), "y"]) {
        await expect(opened.stream.write({ type: "C", data })).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
      }
    });

    test("within the last page of what it holds, after it began anew, acknowledges nothing more", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using opened = await openWithEvents(path, driver, 60);
      await restartLog(path, driver);
      for (let index = 0; index < 20; index += 1) await opened.stream.write({ type: "B", data: index });
      await truncate(`${path}-wal`, 32 + (await framesOf(path, driver)) * 4_120 - 50);

      for (const data of [1, 2]) {
        await expect(opened.stream.write({ type: "C", data })).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
      }
    });

    test("keeps its events where a page ends with zeros that it was written with", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using opened = await openWithEvents(path, driver, 1);
      // Large events fill pages of their own, of which the last one ends with zeros.
      for (const characters of [5_000, 9_000, 30_000, 100]) {
        await opened.stream.write({ type: "B", data: "x".repeat(characters) });
      }
      await restartLog(path, driver);
      for (let index = 0; index < 40; index += 1) {
        await opened.stream.write({ type: "B", data: "x".repeat(5_000 + index * 100) });
      }
      expect(await opened.streams.verify()).toMatchObject({ ok: true });
    });

    test("is closed without copying the hole into the database", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      const before = await (async () => {
        await using opened = await openWithEvents(path, driver, 30);
        await truncate(`${path}-wal`, 0);
        await expect(opened.stream.write({ type: "B", data: 1 })).rejects.toMatchObject({ code: "STORAGE_CORRUPT" });
        return readFile(path);
      })();
      expect((await readFile(path)).equals(before)).toBe(true);
    });
  },
);
