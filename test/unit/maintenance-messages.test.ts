import { describe, expect, test } from "vitest";
import { sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import type { MaintainableStreamFactory } from "../../index.js";
import { NO_POSTGRES } from "../support/postgres-server.js";
import { createTempDir } from "../support/temp-dir.js";
import { throwawayStores } from "../support/throwaway-stores.js";

const STORES: [string, () => Promise<MaintainableStreamFactory>][] = [
  ["SQLite", () => sqliteStreamFactory(":memory:")],
];
if (NO_POSTGRES === null) STORES.push(["PostgreSQL", throwawayStores()]);

async function messageOf(failing: Promise<unknown>): Promise<string> {
  return failing.then(
    () => "nothing failed",
    (error: Error) => error.message,
  );
}

describe.each(STORES)("what is wrong with a call about a store over %s", (_, open) => {
  test("is said of the check", async () => {
    await using streams = await open();
    for (const options of [null, { signal: 1 }, { onProgress: 1 }, { depth: 1 }]) {
      expect(await messageOf(streams.verify(options as never))).toMatch(/^Cannot verify the store in .+: invalid /);
    }
  });

  test("is said of the backup, and where it would have gone", async () => {
    await using streams = await open();
    for (const options of [null, { signal: 1 }, { onProgress: 1 }, { depth: 1 }, { tables: "some" }]) {
      const message = await messageOf(streams.backup("/nowhere/copy.db", options as never));
      expect(message).toMatch(/^Cannot back up to "\/nowhere\/copy\.db".*: invalid /);
    }
    for (const path of [undefined, "", ":memory:"]) {
      const message = await messageOf(streams.backup(path as string));
      expect(message).toMatch(/^Cannot back up to .+: invalid path: expected the path of a new file, got /);
    }
    await using folder = await createTempDir();
    await (await sqliteStreamFactory(folder.file("bank.db")))[Symbol.asyncDispose]();
    const log = folder.file("bank.db-wal");
    const wanted = `Cannot back up to ${log}: invalid path: ${log} is the name of a file that belongs to `;
    expect(await messageOf(streams.backup(log))).toContain(wanted);
  });
});
