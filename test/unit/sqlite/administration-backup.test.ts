import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { SQLiteDriver } from "../../../adapters/sqlite/drivers/driver.js";
import { openSQLiteBackend, type SQLiteStreamFactory, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { sql } from "../../../index.js";
import type { CandidateEvent, StoredEvent } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { forwarding } from "../../support/forwarding.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

// What is removed while a copy is made is not in the copy.

const secret = (streamId: string, round: number, count: number): CandidateEvent[] =>
  Array.from({ length: count }, (_, index) => ({
    type: "Noted",
    data: { text: `secret of ${streamId} ${round} ${index} ${"x".repeat(index % 300)}` },
    idempotencyKey: `key of ${streamId} ${round} ${index}`,
  }));

/** A real driver, with a pause before each statement of a connection that writes. */
function pausingDriver(driver: SQLiteDriver, pause: (sql: string) => Promise<void>): SQLiteDriver {
  return {
    libraryPath: (path) => driver.libraryPath(path),
    async open(path, mode) {
      const connection = await driver.open(path, mode);
      return forwarding(connection, {
        run: async (sql, parameters) => {
          await pause(sql);
          return connection.run(sql, parameters);
        },
      });
    },
  };
}

async function readAll(streams: SQLiteStreamFactory): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for await (const event of (await streams.openStream("@all")).read()) events.push(event);
  return events;
}

describe.each(DRIVER_NAMES)("a backup during which something is removed, through %s", (driver) => {
  /** Makes a store of three streams, and a copy of it. The task runs before the events of the given step are copied. */
  async function backUp(step: number, task: (streams: SQLiteStreamFactory) => Promise<unknown>) {
    const folder = await createTempDir();
    const [path, target] = [folder.file("store.db"), folder.file("copy.db")];
    const others = await sqliteStreamFactory(path, { driver });
    for (let round = 0; round < 5; round += 1) {
      for (const id of ["gone", "pruned", "kept"]) await (await others.openStream(id)).write(secret(id, round, 700));
    }
    await (await others.openStream("gone")).snapshot({ text: "secret snapshot of gone" });
    await others.setStreamMetadata("gone", { owner: "secret owner of gone" });
    await others.transaction(async (tx) => {
      await tx.sql.run(sql`CREATE TABLE notes (text TEXT)`);
      await tx.sql.run(sql`INSERT INTO notes (rowid, text) VALUES (3, 'three'), (7, 'seven')`);
    });
    let steps = 0;
    const pausing = pausingDriver(DRIVERS[driver], async (sql) => {
      if (!sql.includes("INTO backup.es_events SELECT * FROM main.es_events")) return;
      steps += 1;
      if (steps === step) await task(others);
    });
    const backend = await openSQLiteBackend(path, {}, pausing);
    const report = await backend.maintenance.backup(target);
    expect(steps).toBeGreaterThanOrEqual(step);
    await createStreamFactory(backend)[Symbol.asyncDispose]();
    const bytes = (await readFile(target)).toString("latin1");
    const copy = await sqliteStreamFactory(target, { driver });
    return {
      report,
      bytes,
      copy,
      async [Symbol.asyncDispose]() {
        await copy[Symbol.asyncDispose]();
        await others[Symbol.asyncDispose]();
        await folder[Symbol.asyncDispose]();
      },
    };
  }

  test.each([1, 2, 3])(
    "has a deleted stream's tombstone and not a byte of what it had: before step %i",
    async (step) => {
      await using made = await backUp(step, (streams) => streams.deleteStream("gone"));
      const { copy, bytes, report } = made;
      expect(bytes).not.toMatch(/secret [a-z ]*of gone/);
      expect(bytes).not.toContain("key of gone");
      expect(bytes).toContain("secret of kept 4");
      expect(await copy.verify()).toMatchObject({ ok: true, problems: [] });
      expect(report).toMatchObject({ events: 7_001, position: 10_501, tables: [{ name: "notes", rows: 2 }] });
      expect(await copy.query(sql`SELECT rowid FROM notes ORDER BY rowid`)).toEqual([{ rowid: 3 }, { rowid: 7 }]);
      expect(await copy.describeStream("gone")).toMatchObject({ version: 3_501, deleted: true, metadata: null });
      expect((await readAll(copy)).filter(({ streamId }) => streamId === "gone")).toMatchObject([
        { version: 3_501, position: 10_501, type: "@deleted" },
      ]);
    },
  );

  test("lacks what was pruned, and knows its keys", async () => {
    await using made = await backUp(2, (streams) => streams.pruneStream("pruned", { before: 3_001 }));
    const { copy, bytes } = made;
    expect(bytes).not.toContain("secret of pruned 3");
    expect(bytes).toContain("secret of pruned 4");
    expect(await copy.verify()).toMatchObject({ ok: true, problems: [] });
    expect(await copy.describeStream("pruned")).toMatchObject({ firstVersion: 3_001, version: 3_500 });
    const stream = await copy.openStream("pruned");
    expect(await stream.write(secret("pruned", 0, 2))).toMatchObject({ version: 2, written: 0 });
  });

  test("has the first event that is left of a stream whose events have all been pruned", async () => {
    await using made = await backUp(2, async (streams) => {
      await (await streams.openStream("pruned")).write(secret("pruned", 5, 10));
      await (await streams.openStream("new")).write({ type: "NewType", data: null });
      await streams.pruneStream("pruned", { before: 3_505, forgetKeys: true });
    });
    const { copy, bytes } = made;
    expect(bytes).not.toMatch(/secret of pruned [0-4]/);
    expect(await copy.verify()).toMatchObject({ ok: true, problems: [] });
    expect(await copy.describeStream("pruned")).toMatchObject({ firstVersion: 3_505, version: 3_505 });
    expect(await copy.describeStream("new")).toBeNull();
    expect(await (await copy.openStream("new")).write({ type: "NewType", data: null })).toMatchObject({ version: 1 });
  });

  test("of a store with removals is sound, and equal to it", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("store.db"), { driver });
    for (const id of ["a", "b"]) await (await streams.openStream(id)).write(secret(id, 0, 50));
    await streams.pruneStream("a", { before: 20 });
    await streams.deleteStream("b");
    const report = await streams.backup(folder.file("copy.db"));
    expect(report).toMatchObject({ events: 32, position: 102 });
    await using copy = await sqliteStreamFactory(folder.file("copy.db"), { driver });
    expect(await copy.verify()).toMatchObject({ ok: true, checkedEvents: 32, problems: [] });
    expect(await readAll(copy)).toEqual(await readAll(streams));
    // The positions that the removals skipped are not given again.
    const { position } = await (await streams.openStream("a")).write({ type: "Noted", data: 1 });
    expect(await (await copy.openStream("a")).write({ type: "Noted", data: 1 })).toMatchObject({
      version: 51,
      position,
    });
    expect(await (await copy.openStream("a")).write(secret("a", 0, 1))).toMatchObject({ version: 1, written: 0 });
  });
});
