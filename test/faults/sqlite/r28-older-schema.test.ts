import { copyFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { migrate } from "../../../adapters/sqlite/open/migrate.js";
import { EVENT_STORE, MIGRATIONS } from "../../../adapters/sqlite/open/schema.js";
import { isStreamError } from "../../../protocols/index.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { inspectContents, SOUND } from "../support/inspect-contents.js";
import { LATER_STEPS, readSchemaState, type SchemaState } from "../support/later-schema.js";
import { StoreReader } from "../support/store-reader.js";
import { makeLargeStore } from "../support/store-under-load.js";

/** A file's state, with migrations finished where that is asked. */
async function schemaOf(path: string, steps?: readonly string[]): Promise<SchemaState> {
  const connection = await DRIVERS.sqlite3.open(path, "create");
  try {
    if (steps !== undefined) await migrate(connection, path, { ...EVENT_STORE, steps });
    return await readSchemaState(connection);
  } finally {
    await connection.close();
  }
}

/** What the library, which knows only the older schema, makes of a file. */
async function openWithLibrary(path: string): Promise<string> {
  try {
    await using streams = await sqliteStreamFactory(path);
    const { problems } = await streams.verify();
    return problems.length === 0 ? "ok" : JSON.stringify(problems);
  } catch (error) {
    return isStreamError(error) ? error.code : String(error);
  }
}

/** Stores of the older schema, what the schemas look like, and how long a migration takes that nobody disturbs. */
async function makeSources(file: (name: string) => string) {
  // SQLite takes back half a transaction from a log in one way, and from a journal in another.
  const sources = [file("log.db"), file("journal.db")] as const;
  await makeLargeStore(sources[0]);
  await copyFile(sources[0], sources[1]);
  const connection = await DRIVERS.sqlite3.open(sources[1], "create");
  await connection.all("PRAGMA journal_mode = DELETE");
  await connection.close();
  const older = await schemaOf(sources[0]);

  await using migrator = startFixture("migrator.ts");
  const newerPath = file("newer.db");
  await copyFile(sources[0], newerPath);
  migrator.say(newerPath);
  expect(await migrator.finish()).toBe(0);
  return { sources, older, newer: await schemaOf(newerPath), takesMs: Number(migrator.lines[1]) };
}

faultTest(
  "R28 a migration that is killed leaves the file at the older schema or at the newer one, with everything in it",
  { quick: 3, soak: 36 },
  async ({ rounds, random, count }) => {
    await using folder = await createTempDir();
    await using reader = new StoreReader();
    const { sources, older, newer, takesMs } = await makeSources((name) => folder.file(name));
    const { rows } = await reader.read(sources[0]);
    for (let round = 0; round < rounds; round += 1) {
      const path = folder.file(`killed-${round}.db`);
      await copyFile(sources[random() < 0.5 ? 0 : 1], path);
      await using migrator = startFixture("migrator.ts");
      migrator.say(path);
      await migrator.waitFor(() => migrator.lines.includes("begun"));
      await delay(random() * takesMs);
      await migrator.kill();

      // Either of them may be the first to open what was left.
      const opened = random() < 0.5 ? await openWithLibrary(path) : undefined;
      const contents = await reader.read(path);
      const state = await schemaOf(path);
      const isOlder = state.version === MIGRATIONS.length;
      expect(state).toEqual(isOlder ? older : newer);
      expect(opened ?? (await openWithLibrary(path))).toBe(isOlder ? "ok" : "STORAGE_NEWER_SCHEMA");
      expect(inspectContents(contents, [])).toEqual(SOUND);
      expect(contents.rows).toEqual(rows);
      expect(await schemaOf(path, LATER_STEPS)).toEqual(newer);
      count(migrator.lines.length > 1 ? "kills that came too late" : isOlder ? "kills" : "kills behind the commit");
    }
  },
);
