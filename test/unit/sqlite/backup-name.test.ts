import { link, readdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

/** What the file system does instead of a call, if anything; the name of the call, and its paths. */
const disk = vi.hoisted(() => ({
  before: async (_call: string, _from: unknown, _to: unknown): Promise<void> => undefined,
}));

vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:fs/promises")>();
  const names = ["open", "link", "rename", "rm", "unlink"] as const;
  const watched = names.map((name) => {
    const call = original[name] as (...args: unknown[]) => Promise<unknown>;
    return [
      name,
      async (...args: unknown[]) => {
        await disk.before(name, args[0], args[1]);
        return call(...args);
      },
    ];
  });
  return { ...original, ...Object.fromEntries(watched) };
});

const EVENTS = 3;

async function makeStore(driver: DriverName) {
  const folder = await createTempDir();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const streams = await sqliteStreamFactory(folder.file("store.db"), { driver });
  onTestFinished(() => streams[Symbol.asyncDispose]());
  const stream = await streams.openStream("a");
  for (let data = 0; data < EVENTS; data += 1) await stream.write({ type: "A", data });
  return { streams, path: folder.file("copies.db"), copies: () => copiesIn(folder.path) };
}

/** The names of the copy and of what belongs to it. The store beside it makes files of its own when it is idle. */
async function copiesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder);
  return names.filter((name) => name.startsWith("copies.db")).sort();
}

/** Runs a task while something comes before each call to the file system. */
async function withDisk<T>(before: typeof disk.before, task: () => Promise<T>): Promise<T> {
  disk.before = before;
  try {
    return await task();
  } finally {
    disk.before = async () => undefined;
  }
}

/** Makes a backup that is stopped before one of its calls, as a kill would. @returns whether it came to its end before */
async function backupUntil(calls: number, { streams, path }: Awaited<ReturnType<typeof makeStore>>): Promise<boolean> {
  const stopped = new Error("stopped");
  let left = calls;
  const stop = async () => {
    left -= 1;
    if (left < 0) throw stopped;
  };
  const error = await withDisk(stop, () =>
    streams.backup(path).then(
      () => undefined,
      (error: Error) => error,
    ),
  );
  if (error !== undefined && error !== stopped) expect(error.cause).toBe(stopped);
  return error === undefined;
}

describe.each(DRIVER_NAMES)("the name of a backup over %s", (driver) => {
  test.each(["existing", "readonly"] as const)(
    "belongs to no file or to a whole one that opens as %s, wherever the backup is killed",
    async (mode) => {
      const partials: number[] = [];
      let isFinished = false;
      for (let calls = 0; !isFinished; calls += 1) {
        const store = await makeStore(driver);
        isFinished = await backupUntil(calls, store);
        if (!(await store.copies()).includes("copies.db")) {
          await store.streams.backup(store.path);
          continue;
        }
        await using copy = await sqliteStreamFactory(store.path, { driver, mode });
        expect(await copy.verify()).toMatchObject({ ok: true, checkedEvents: EVENTS });
        partials.push((await store.copies()).filter((name) => name.includes(".partial-")).length);
      }
      // At least one had both names when it was opened.
      expect(partials.length).toBeGreaterThan(2);
      expect(new Set(partials)).toEqual(new Set([0]));
    },
  );

  test("is given by a backup whose copy is opened before its last step", async () => {
    const { streams, path, copies } = await makeStore(driver);
    const openCopy = async (call: string) => {
      if (!/^(rm|unlink)$/.test(call) || !(await copies()).includes("copies.db")) return;
      disk.before = async () => undefined;
      await using copy = await sqliteStreamFactory(path, { driver, mode: "existing" });
      expect((await copy.openStream("a")).version).toBe(EVENTS);
      expect((await copies()).filter((name) => name.includes(".partial-"))).toEqual([]);
    };
    await withDisk(openCopy, () => streams.backup(path));
    expect(await copies()).toEqual(["copies.db"]);
  });

  test("stays that of a file which somebody else has made meanwhile, also where files have no links", async () => {
    const { streams, path, copies } = await makeStore(driver);
    for (const hasLinks of [true, false]) {
      const makeOther = async (call: string) => {
        if (call !== "link") return;
        await writeFile(path, "another file");
        if (!hasLinks) throw Object.assign(new Error("no links"), { code: "EPERM" });
      };
      expect(await withDisk(makeOther, () => failureOf(streams.backup(path)))).toMatchObject({
        code: "STORAGE_TARGET_EXISTS",
      });
      expect(await readFile(path, "utf8")).toBe("another file");
      await rm(path);
    }
    const noLinks = async (call: string) => {
      if (call === "link") throw Object.assign(new Error("no links"), { code: "EPERM" });
    };
    await withDisk(noLinks, () => streams.backup(path));
    expect(await copies()).toEqual(["copies.db"]);
  });

  test("leaves alone other names of the file, and those that look like the name of an unfinished copy", async () => {
    const { streams, path, copies } = await makeStore(driver);
    await streams.backup(path);
    const others = [
      `${path}.partial-1`,
      `${path}.partial-0123456g`,
      `${path}.partial-01234567`,
      `${path}.partial-89abcdef`,
    ];
    const [short, letters, symbolic, used] = others as [string, string, string, string];
    await symlink(path, symbolic);
    await link(path, used);
    await writeFile(`${used}-wal`, "content of somebody who has opened it");
    const before = await copies();
    await expect(sqliteStreamFactory(path, { driver })).rejects.toMatchObject({ code: "STORAGE_HARD_LINKED" });
    await rename(used, short);
    await expect(sqliteStreamFactory(path, { driver })).rejects.toMatchObject({ code: "STORAGE_HARD_LINKED" });
    await rename(short, letters);
    await expect(sqliteStreamFactory(path, { driver })).rejects.toMatchObject({ code: "STORAGE_HARD_LINKED" });
    await rename(letters, used);
    expect(await copies()).toEqual(before);
  });
});
