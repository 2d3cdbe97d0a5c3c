import { chmod, mkdir, open, readdir, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { SQLiteDriver } from "../../../adapters/sqlite/drivers/driver.js";
import { openSQLiteBackend, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { claimFolder, PROCESS_PREFIX } from "../../../adapters/sqlite/open/claim-folder.js";
import { describeDescriptor } from "../../../adapters/sqlite/open/open-descriptor.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

type Folder = Awaited<ReturnType<typeof createTempDir>>;

let folder: Folder;
let temporary: string;
const path = (): string => folder.file("store.db");

beforeEach(async () => {
  folder = await createTempDir();
  temporary = folder.file("temporary");
  await mkdir(temporary);
  vi.stubEnv("TMPDIR", temporary);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await folder[Symbol.asyncDispose]();
});

/** Everything that this package has put into the temporary folder. */
async function claims(): Promise<string[]> {
  const found = await readdir(temporary, { recursive: true, withFileTypes: true });
  return found.filter((each) => !each.isDirectory()).map(({ name }) => name);
}

/** Another copy of this package in the same thread. */
async function secondCopy(): Promise<typeof import("../../../adapters/sqlite/index.js")> {
  vi.resetModules();
  return import("../../../adapters/sqlite/index.js");
}

describe.each(DRIVER_NAMES)("over %s", (driver) => {
  const other = DRIVER_NAMES.find((name) => name !== driver);

  test("an open store has one claim, whatever connections it opens, and none when it is closed", async () => {
    {
      await using streams = await sqliteStreamFactory(path(), { driver });
      await using stream = await streams.openStream("a");
      stream.watch({ after: 0 }).subscribe();
      await stream.write({ type: "Written", data: 1 });
      await streams.verify();
      expect(await claims()).toHaveLength(1);
    }
    expect(await claims()).toEqual([]);
  });

  test("an opening that fails leaves no claim", async () => {
    await writeFile(path(), "no database at all ".repeat(10));
    await expect(sqliteStreamFactory(path(), { driver })).rejects.toMatchObject({ code: "STORAGE_NOT_A_DATABASE" });
    const failing: SQLiteDriver = {
      ...DRIVERS[driver],
      open: () => Promise.reject(Object.assign(new Error("on purpose"), { code: "SQLITE_IOERR" })),
    };
    await expect(openSQLiteBackend(folder.file("b.db"), {}, failing)).rejects.toMatchObject({ code: "STORAGE_IO" });
    expect(await claims()).toEqual([]);
  });

  test("another driver is refused in the same thread, under any path, until the last store is closed", async () => {
    await symlink(path(), folder.file("link.db"));
    const stores = [await sqliteStreamFactory(path(), { driver }), await sqliteStreamFactory(path(), { driver })];
    for (const store of stores) {
      for (const name of [path(), folder.file("link.db")]) {
        await expect(sqliteStreamFactory(name, { driver: other })).rejects.toMatchObject({
          name: "StorageError",
          code: "STORAGE_DRIVER_CONFLICT",
          message: expect.stringContaining(`Cannot open ${name}: this process has it open through`),
        });
      }
      await store[Symbol.asyncDispose]();
    }
    await (await sqliteStreamFactory(path(), { driver: other }))[Symbol.asyncDispose]();
  });

  test("of two drivers that make a store at once, one is refused", async () => {
    const openings = await Promise.allSettled([
      sqliteStreamFactory(path(), { driver }),
      sqliteStreamFactory(path(), { driver: other }),
    ]);
    const refused = openings.filter((opening) => opening.status === "rejected");
    for (const opening of openings) if (opening.status === "fulfilled") await opening.value[Symbol.asyncDispose]();
    expect(refused).toEqual([
      { status: "rejected", reason: expect.objectContaining({ code: "STORAGE_DRIVER_CONFLICT" }) },
    ]);
  });

  test("another installation of the driver is refused, since it has a SQLite of its own", async () => {
    await using _streams = await sqliteStreamFactory(path(), { driver });
    const elsewhere: SQLiteDriver = { ...DRIVERS[driver], libraryPath: async () => "/elsewhere/index.js" };
    await expect(openSQLiteBackend(path(), {}, elsewhere)).rejects.toMatchObject({
      code: "STORAGE_DRIVER_CONFLICT",
      message: expect.stringContaining("/elsewhere/index.js"),
    });
  });

  test("two copies of this package use a file through one driver, and not through two", async () => {
    const copy = await secondCopy();
    await using mine = await sqliteStreamFactory(path(), { driver });
    await using theirs = await copy.sqliteStreamFactory(path(), { driver });
    await (await mine.openStream("a")).write({ type: "Written", data: 1 });
    await (await theirs.openStream("a")).write({ type: "Written", data: 2 });
    expect((await mine.openStream("a")).version).toBe(2);
    await expect(copy.sqliteStreamFactory(path(), { driver: other })).rejects.toMatchObject({
      code: "STORAGE_DRIVER_CONFLICT",
    });
  });

  test("what a killed process left behind is no claim, and is removed", async () => {
    // A process that has ended, for certain.
    const left = `${PROCESS_PREFIX.replace(/\d+\.$/, "99999999.")}1-2.3-4-5-6`;
    await writeFile(join(claimFolder(), left), "/elsewhere/index.js");
    const copy = await secondCopy();
    await using _streams = await copy.sqliteStreamFactory(path(), { driver });
    expect(await claims()).toHaveLength(1);
  });
});

function lockPath(): string {
  return join(claimFolder(), `${PROCESS_PREFIX}lock-0`);
}

async function openAndClose(): Promise<void> {
  const streams = createStreamFactory(await openSQLiteBackend(path()));
  await streams[Symbol.asyncDispose]();
}

test("a temporary folder that others may write is refused, and the store is not made", async () => {
  await chmod(claimFolder(), 0o777);
  await expect(openAndClose()).rejects.toMatchObject({
    code: "STORAGE_PERMISSION_DENIED",
    message: expect.stringContaining("set TMPDIR to a folder that it may write"),
  });
  expect(await readdir(folder.path)).toEqual(["temporary"]);
});

test("the lock of a thread that was terminated under it is passed over", async () => {
  await symlink("9999-1-2-3", lockPath());
  await openAndClose();
  await openAndClose();
});

test("an opening waits for that of another thread, and not for ever", async () => {
  await using holder = await open(folder.file("holder"), "w");
  await symlink(describeDescriptor(holder.fd), lockPath());
  const opening = openAndClose();
  await vi.waitFor(async () => expect(await claims()).toHaveLength(2));
  await unlink(lockPath());
  await opening;

  await symlink(describeDescriptor(holder.fd), lockPath());
  let nowMs = performance.now();
  vi.spyOn(performance, "now").mockImplementation(() => {
    nowMs += 1_000;
    return nowMs;
  });
  await expect(openAndClose())
    .rejects.toMatchObject({ code: "STORAGE_LOCKED" })
    .finally(() => vi.restoreAllMocks());
});
