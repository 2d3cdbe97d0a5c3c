import { spawnSync } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { StoreThread } from "../../support/store-thread.js";
import { createTempDir } from "../../support/temp-dir.js";

const SQLITE3 = JSON.stringify(createRequire(import.meta.url).resolve("sqlite3"));

/** What the journal mode is after another process has tried to do away with the log. */
function journalModeAfterAttack(path: string): string {
  const program = `
    const database = new (require(${SQLITE3}).Database)(${JSON.stringify(path)});
    database.get("PRAGMA journal_mode = DELETE", (error, row) => console.log(error ? error.code : row.journal_mode));`;
  return spawnSync(process.execPath, ["-e", program], { encoding: "utf8" }).stdout.trim();
}

/** The locks on a file as Linux lists them; other systems list none. */
async function locksOn(path: string): Promise<string[] | null> {
  const { ino } = await stat(path);
  const list = await readFile("/proc/locks", "utf8").catch(() => null);
  return list?.split("\n").filter((line) => line.includes(`:${ino} `)) ?? null;
}

// On POSIX systems closing any descriptor of a file drops every lock that the process has on it. Another process could
// then do away with the log that this one goes on writing to.
test("opening a file a second time in a process does not drop the locks of the first", async () => {
  await using folder = await createTempDir();
  const path = folder.file("shared.db");
  await using first = await sqliteStreamFactory(path);
  const stream = await first.openStream("a");
  await stream.write({ type: "A", data: 1 });
  const held = (await locksOn(path))?.length;
  await using second = await sqliteStreamFactory(path);
  await second.openStream("a");

  // A connection that is being opened has one more for a moment.
  await expect.poll(async () => (await locksOn(path))?.length).toBe(held);
  expect(journalModeAfterAttack(path)).not.toBe("delete");
});

test("opening a file in one thread does not drop the locks of another", async () => {
  await using folder = await createTempDir();
  const path = folder.file("shared.db");
  await using holding = new StoreThread({ path, driver: "sqlite3", run: "held", manner: "rests" });
  await holding.waitFor(() => holding.acknowledged.length > 0);
  const held = (await locksOn(path))?.length;
  await using second = await sqliteStreamFactory(path, { driver: "sqlite3" });
  await second.openStream("a");

  // A connection that is being opened has one more for a moment.
  await expect.poll(async () => (await locksOn(path))?.length).toBe(held);
  expect(journalModeAfterAttack(path)).not.toBe("delete");
  await holding.finish();
});
