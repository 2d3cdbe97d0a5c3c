import { access, copyFile, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import { assertNoRestore, restoreBackup } from "../../examples/restore-backup/restore-backup.js";
import { failureOf } from "../conformance/support/failure-of.js";
import { createTempDir } from "../support/temp-dir.js";

/** How many calls to the file system are left before the program is stopped. */
const disk = vi.hoisted(() => ({ callsLeft: Number.POSITIVE_INFINITY, stop: new Error("stopped") }));

vi.mock("node:fs/promises", async (importOriginal) => {
  const original = await importOriginal<typeof import("node:fs/promises")>();
  const counted = <Call extends (...args: never[]) => Promise<unknown>>(call: Call) =>
    (async (...args: Parameters<Call>) => {
      disk.callsLeft -= 1;
      if (disk.callsLeft < 0) throw disk.stop;
      return call(...args);
    }) as Call;
  const names = ["copyFile", "open", "rename", "rm"] as const;
  return { ...original, ...Object.fromEntries(names.map((name) => [name, counted(original[name] as never)])) };
});

const OLD_EVENTS = 5;
const BACKUP_EVENTS = 2;
const WAIT = { timeout: 20_000, interval: 1 };

/** A database whose newest events are only in its log, as a crash leaves it, and a backup of before. */
async function makeStore() {
  const folder = await createTempDir();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  const [path, backupPath, source] = [folder.file("bank.db"), folder.file("backup.db"), folder.file("source.db")];
  await using streams = await sqliteStreamFactory(source);
  const stream = await streams.openStream("a");
  for (let data = 0; data < OLD_EVENTS; data += 1) {
    if (data === BACKUP_EVENTS) await streams.backup(backupPath);
    await stream.write({ type: "A", data });
  }
  // It is written beside the commits.
  await vi.waitFor(() => access(`${source}-head`), WAIT);
  for (const ending of ["", "-wal", "-head"]) await copyFile(`${source}${ending}`, `${path}${ending}`);
  return { path, backupPath };
}

/** How many events a database has that is whole. */
async function eventsIn(path: string): Promise<number> {
  await using streams = await sqliteStreamFactory(path, { mode: "existing" });
  expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
  return (await streams.openStream("a")).version;
}

/** Stops the restore before one of its calls. @returns whether it came to its end before */
async function restoreUntil(calls: number, args: { path: string; backupPath: string }): Promise<boolean> {
  disk.callsLeft = calls;
  try {
    await restoreBackup(args);
    return true;
  } catch (error) {
    if (disk.callsLeft >= 0) throw error;
    return false;
  } finally {
    disk.callsLeft = Number.POSITIVE_INFINITY;
  }
}

/** How many calls a restore makes, of which each is stopped once. */
async function callsOfRestore(): Promise<number> {
  let calls = 0;
  while (!(await restoreUntil(calls, await makeStore()))) calls += 1;
  return calls;
}

const isRefused = (path: string) =>
  assertNoRestore(path).then(
    () => false,
    (error: Error) => error.message.includes(`a restore of ${path} was interrupted`),
  );

test("a restore that is stopped anywhere leaves the old database or the new one, or is refused until it is finished", async () => {
  const calls = await callsOfRestore();
  let decided = 0;
  for (let first = 0; first < calls; first += 1) {
    const args = await makeStore();
    expect(await restoreUntil(first, args)).toBe(false);
    if (await isRefused(args.path)) {
      decided += 1;
      // Stopped once more, somewhere else, and then finished without the backup.
      await restoreUntil((first * 7) % calls, args);
      const backupPath = `${args.path}.restored`;
      if (await isRefused(args.path)) await restoreBackup({ path: args.path, backupPath });
      expect(await eventsIn(args.path)).toBe(BACKUP_EVENTS);
      expect(await eventsIn(`${args.path}.former`)).toBe(OLD_EVENTS);
    } else {
      expect(await eventsIn(args.path)).toBe(decided === 0 ? OLD_EVENTS : BACKUP_EVENTS);
      await restoreBackup(args);
      expect(await eventsIn(args.path)).toBe(BACKUP_EVENTS);
    }
    expect(await eventsIn(args.backupPath)).toBe(BACKUP_EVENTS);
  }
  expect(decided).toBeGreaterThan(5);
  expect(decided).toBeLessThan(calls - 5);
});

test("what was there is kept whole, and the next restore takes its place", async () => {
  const args = await makeStore();
  await restoreBackup(args);
  expect(await eventsIn(`${args.path}.former`)).toBe(OLD_EVENTS);
  await restoreBackup(args);
  expect(await eventsIn(`${args.path}.former`)).toBe(BACKUP_EVENTS);
});

test("what a restore moves is no backup, and is restored under another name", async () => {
  const args = await makeStore();
  await restoreBackup(args);
  // After a crash, a second call would not find in either what the first one did.
  const former = `${args.path}.former`;
  for (const backupPath of [former, args.path, `${dirname(former)}/./${basename(former)}`]) {
    const failure = await failureOf(restoreBackup({ ...args, backupPath }));
    expect(failure).toMatchObject({ message: expect.stringContaining("give the backup another name") });
  }
  expect(await eventsIn(args.path)).toBe(BACKUP_EVENTS);
  // The log is applied when it is opened, and removed when it is closed.
  expect(await eventsIn(former)).toBe(OLD_EVENTS);
  const backupPath = `${args.path}.wanted`;
  await rename(former, backupPath);
  await restoreBackup({ ...args, backupPath });
  expect((await readdir(dirname(args.path))).filter((name) => name.includes(".restor"))).toEqual([]);
  expect(await eventsIn(args.path)).toBe(OLD_EVENTS);
  expect(await eventsIn(former)).toBe(BACKUP_EVENTS);
});

test("a backup that is open, or not there, changes nothing", async () => {
  const { path, backupPath } = await makeStore();
  const before = await readFile(path);
  await using streams = await sqliteStreamFactory(backupPath);
  await (await streams.openStream("b")).write({ type: "A", data: null });
  expect(await failureOf(restoreBackup({ path, backupPath }))).toMatchObject({
    message: expect.stringContaining("has a log"),
  });
  expect(await failureOf(restoreBackup({ path, backupPath: `${backupPath}-other` }))).toMatchObject({ code: "ENOENT" });
  expect((await readFile(path)).equals(before)).toBe(true);
  expect(await eventsIn(path)).toBe(OLD_EVENTS);
});

test.each([
  { what: "no database", bytesOf: async () => Buffer.alloc(8_192, "no database") },
  { what: "empty", bytesOf: async () => Buffer.alloc(0) },
  { what: "half of a backup", bytesOf: async (path: string) => (await readFile(path)).subarray(0, 8_192) },
])("a file that is $what does not take the place of a database", async ({ bytesOf }) => {
  const { path, backupPath } = await makeStore();
  const wrongPath = `${backupPath}-wrong`;
  await writeFile(wrongPath, await bytesOf(backupPath));
  const files = await readdir(dirname(path));
  const failure = await failureOf(restoreBackup({ path, backupPath: wrongPath }));
  expect(failure).toMatchObject({ message: expect.stringContaining(`${wrongPath} is no backup of a store: `) });
  expect(await readdir(dirname(path))).toEqual(files);
  expect(await eventsIn(path)).toBe(OLD_EVENTS);
});
