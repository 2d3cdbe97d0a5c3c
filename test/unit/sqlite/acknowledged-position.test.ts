import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import {
  appendFile,
  chmod,
  chown,
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from "node:fs/promises";
import { describe, expect, test, vi } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StreamFactory } from "../../../protocols/index.js";
import { acknowledgedPosition, recordedEvents } from "../../support/acknowledged.js";
import { DRIVER_NAMES, DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const FILES = ["", "-wal", "-head"];
const LOG_HEADER_BYTES = 32;
const FRAME_BYTES = 24 + 4_096;

/** A busy machine takes its time. */
const WAIT_MS = 20_000;

/** Copies a store that is in use, as a crash would leave it, into another file. */
async function crashInto(from: string, to: string): Promise<void> {
  for (const suffix of FILES) if (existsSync(from + suffix)) await copyFile(from + suffix, to + suffix);
}

async function write(streams: StreamFactory, events: number): Promise<void> {
  await using stream = await streams.openStream("a");
  for (let count = 0; count < events; count += 1) await stream.write({ type: "Counted", data: { count } });
}

/** Waits until a position is recorded beside a store. */
async function recorded(path: string, position: number): Promise<void> {
  await vi.waitFor(async () => expect(await acknowledgedPosition(path)).toBe(position), WAIT_MS);
}

/** What `verify` reports of a store in which the event at a position is lost. */
const lostAt = (position: number, detail = /was acknowledged, and the store ends at/) => ({
  kind: "head",
  position,
  detail: expect.stringMatching(detail),
});

describe.each(DRIVER_NAMES)("over %s,", (driver) => {
  const open = (path: string, options = {}) => sqliteStreamFactory(path, { driver, ...options });

  async function problemsIn(path: string) {
    await using streams = await open(path);
    return (await streams.verify()).problems;
  }

  /** A folder with a store that crashed behind ten events, in a file for each name. */
  async function crashedStores(...names: string[]) {
    const folder = await createTempDir();
    await using streams = await open(folder.file("store.db"));
    await write(streams, 10);
    await recorded(folder.file("store.db"), 10);
    for (const name of names) await crashInto(folder.file("store.db"), folder.file(name));
    return folder;
  }

  describe("a log that was cut", () => {
    test("is reported, although SQLite takes what is left for all there was", async () => {
      await using folder = await crashedStores("cut.db", "emptied.db", "removed.db");
      await truncate(folder.file("cut.db-wal"), LOG_HEADER_BYTES + 3 * FRAME_BYTES);
      await writeFile(folder.file("emptied.db-wal"), "");
      await rm(folder.file("removed.db-wal"));
      for (const name of ["cut.db", "emptied.db", "removed.db"]) {
        expect(await problemsIn(folder.file(name))).toEqual([lostAt(10)]);
      }
    });

    test("is reported also when the store has gone on since, until the record is removed", async () => {
      await using folder = await crashedStores("crashed.db");
      const path = folder.file("crashed.db");
      await rm(`${path}-wal`);
      for (const detail of [/store ends at/, /another event has its place/, /another event has its place/]) {
        expect(await problemsIn(path)).toEqual([lostAt(10, detail)]);
        await using streams = await open(path);
        await write(streams, 10);
      }
      await rm(`${path}-head`);
      await using streams = await open(path);
      await write(streams, 1);
      expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 31 });
    });

    test("is reported also when the store has gone on without checksums since", async () => {
      await using folder = await crashedStores("crashed.db");
      const path = folder.file("crashed.db");
      await rm(`${path}-wal`);
      // The event that takes the place of the one that is gone has no checksum.
      for (const checksums of [false, true]) {
        await using streams = await open(path, { checksums });
        await write(streams, 10);
        expect((await streams.verify()).problems).toEqual([lostAt(10, /another event has its place/)]);
      }
    });

    test.each([
      ["link.db", "store.db"],
      ["store.db", "link.db"],
      ["link.db", "link.db"],
    ])("is reported when it was written through %s and is checked through %s", async (written, checked) => {
      await using folder = await createTempDir();
      await mkdir(folder.file("elsewhere"));
      await (await open(folder.file("elsewhere/store.db")))[Symbol.asyncDispose]();
      const paths: Readonly<Record<string, string>> = {
        "store.db": folder.file("elsewhere/store.db"),
        "link.db": folder.file("link.db"),
      };
      await symlink(folder.file("elsewhere/store.db"), folder.file("link.db"));
      await using streams = await open(paths[written] as string);
      await write(streams, 10);
      await recorded(paths[checked] as string, 10);
      expect(await readdir(folder.path)).toEqual(["elsewhere", "link.db"]);
      await crashInto(folder.file("elsewhere/store.db"), folder.file("crashed.db"));
      await rm(folder.file("crashed.db-wal"));
      expect(await problemsIn(folder.file("crashed.db"))).toEqual([lostAt(10)]);
    });

    test("is reported when another writer recorded an older position last", async () => {
      await using folder = await crashedStores("crashed.db");
      const path = folder.file("crashed.db");
      // What a writer that was stopped adds when it goes on.
      const [first] = (await readFile(`${path}-head`, "latin1")).split("\n");
      await appendFile(`${path}-head`, `${first}\n`);
      await rm(`${path}-wal`);
      expect(await problemsIn(path)).toEqual([lostAt(10)]);
    });
  });

  describe("when a factory closes,", () => {
    test("nothing is left beside the store", async () => {
      await using folder = await createTempDir();
      const streams = await open(folder.file("store.db"));
      await write(streams, 10);
      await recorded(folder.file("store.db"), 10);
      await streams[Symbol.asyncDispose]();
      expect(await readdir(folder.path)).toEqual(["store.db"]);
    });

    test("the record goes only with a log that is empty, and comes again with the next commit of another", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using staying = await open(path);
      await write(staying, 10);
      {
        await using closing = await open(path);
        await write(closing, 1);
        await recorded(path, 11);
      }
      expect(existsSync(`${path}-head`)).toBe(false);
      expect((await stat(`${path}-wal`)).size).toBe(0);
      await write(staying, 1);
      await recorded(path, 12);
      await crashInto(path, folder.file("crashed.db"));
      await rm(folder.file("crashed.db-wal"));
      expect(await problemsIn(folder.file("crashed.db"))).toEqual([lostAt(12)]);
    });

    test("the record stays while the log is needed by a reader", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using staying = await open(path);
      await write(staying, 1);
      const reader = await DRIVERS[driver].open(path, "readonly");
      await reader.exec("BEGIN");
      await reader.all("SELECT * FROM es_events");
      {
        await using closing = await open(path);
        await write(closing, 9);
      }
      await crashInto(path, folder.file("crashed.db"));
      await reader.close();
      await rm(folder.file("crashed.db-wal"));
      expect(await problemsIn(folder.file("crashed.db"))).toEqual([lostAt(10)]);
    });

    test("the record stays when it contradicts the store", async () => {
      await using folder = await crashedStores("crashed.db");
      const path = folder.file("crashed.db");
      await rm(`${path}-wal`);
      const streams = await open(path);
      await write(streams, 20);
      await streams[Symbol.asyncDispose]();
      expect(await problemsIn(path)).toEqual([lostAt(10, /another event has its place/)]);
    });
  });

  describe("the file", () => {
    test("of a store that is gone is not taken over by a new one", async () => {
      await using folder = await crashedStores("new.db");
      await rm(folder.file("new.db"));
      await rm(folder.file("new.db-wal"));
      await using streams = await open(folder.file("new.db"));
      expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 0 });
    });

    test("is created again when somebody has removed it", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using streams = await open(path);
      await write(streams, 1);
      await recorded(path, 1);
      await rm(`${path}-head`);
      await write(streams, 1);
      await recorded(path, 2);
    });

    test("stays true while a store goes on without checksums, and is taken up again with them", async () => {
      await using folder = await crashedStores("crashed.db");
      const path = folder.file("crashed.db");
      for (const events of [20, 30]) {
        await using streams = await open(path, { checksums: false });
        await write(streams, 10);
        expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: events });
      }
      expect(await acknowledgedPosition(path)).toBe(10);
      await using streams = await open(path);
      await write(streams, 1);
      await recorded(path, 31);
      expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 31 });
    });

    test("has the owner and the mode of the database, whoever created it", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await (await open(path))[Symbol.asyncDispose]();
      const NOBODY = 65_534;
      // Only root can be somebody else's helper.
      if (process.getuid?.() === 0) await chown(path, NOBODY, NOBODY);
      await chmod(path, 0o660);
      await using streams = await open(path);
      await write(streams, 1);
      await recorded(path, 1);
      const { uid, gid, mode } = await stat(path);
      expect(await stat(`${path}-head`)).toMatchObject({ uid, gid, mode });
    });

    test("is read past what a power cut or a full disk left of a record", async () => {
      await using folder = await crashedStores("whole.db", "cut.db");
      const record = await readFile(folder.file("whole.db-head"), "latin1");
      const damaged = record.replace("position 10", "position 99");
      const remains = `\0\0\0${damaged}${record.slice(0, -9)}${record}${record.slice(0, 20)}`;
      for (const name of ["whole.db", "cut.db"]) await writeFile(folder.file(`${name}-head`), remains);
      await rm(folder.file("cut.db-wal"));
      expect(await problemsIn(folder.file("whole.db"))).toEqual([]);
      expect(await problemsIn(folder.file("cut.db"))).toEqual([lostAt(10)]);
    });
  });

  describe("when the file has grown,", () => {
    const COMPACTED_BYTES = 1_000;

    /** Adds records that are true, as many as a long run leaves. */
    async function grow(path: string, bytes: number): Promise<void> {
      const records = await readFile(`${path}-head`, "latin1");
      await appendFile(`${path}-head`, records.repeat(Math.ceil(bytes / records.length)));
    }

    async function compacted(path: string, timeoutMs = WAIT_MS): Promise<void> {
      const isSmall = async () => expect((await stat(`${path}-head`)).size).toBeLessThan(COMPACTED_BYTES);
      await vi.waitFor(isSmall, timeoutMs);
    }

    test("one record takes the place of all, and other writers go on in the new file", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using streams = await open(path);
      await using other = await open(path);
      await write(other, 9);
      await recorded(path, 9);
      await grow(path, 70_000);
      await write(streams, 1);
      await compacted(path);
      expect((await recordedEvents(path)).map(({ position }) => position)).toEqual([10]);
      await write(other, 1);
      await recorded(path, 11);
      expect(await readdir(folder.path)).toEqual(["store.db", "store.db-head", "store.db-shm", "store.db-wal"]);
      await crashInto(path, folder.file("crashed.db"));
      expect(await problemsIn(folder.file("crashed.db"))).toEqual([]);
      await crashInto(path, folder.file("crashed.db"));
      await rm(folder.file("crashed.db-wal"));
      expect(await problemsIn(folder.file("crashed.db"))).toEqual([lostAt(11)]);
    });

    test("the one record is true also when the last event has no checksum", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using streams = await open(path);
      await using unchecked = await open(path, { checksums: false });
      await write(streams, 1);
      await vi.waitFor(() => stat(`${path}-head`), WAIT_MS);
      // Until the file happens to be replaced behind an event of the other one.
      await vi.waitFor(async () => {
        await grow(path, 70_000);
        await Promise.all([write(streams, 1), write(unchecked, 1)]);
        await compacted(path, 200);
        expect(await recordedEvents(path)).toContainEqual({ position: expect.any(Number), checksum: null });
      }, WAIT_MS);
      expect(await streams.verify()).toMatchObject({ ok: true });
    });

    test("what is lost stays recorded", async () => {
      await using folder = await crashedStores("crashed.db");
      const path = folder.file("crashed.db");
      await rm(`${path}-wal`);
      await grow(path, 70_000);
      await using streams = await open(path);
      await write(streams, 20);
      await compacted(path);
      expect((await streams.verify()).problems).toEqual([lostAt(10, /another event has its place/)]);
    });

    test("a file that cannot be replaced takes records only up to a limit", async () => {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await using streams = await open(path);
      await write(streams, 1);
      await recorded(path, 1);
      await grow(path, 1_100_000);
      await mkdir(`${path}-head-new`);
      const { size } = await stat(`${path}-head`);
      // The log that it needs keeps the record from being removed.
      const reader = await DRIVERS[driver].open(path, "readonly");
      await reader.exec("BEGIN");
      await reader.all("SELECT * FROM es_events");
      await write(streams, 5);
      await streams[Symbol.asyncDispose]();
      expect((await stat(`${path}-head`)).size).toBe(size);
      await reader.close();
    });
  });

  describe("something else of the file's name", () => {
    test.each<[string, (head: string, other: string) => unknown]>([
      ["a symbolic link", (head, other) => symlink(other, head)],
      ["a second name of another file", (head, other) => link(other, head)],
      ["a FIFO", (head) => execFileSync("mkfifo", [head])],
      ["a folder", (head) => mkdir(head)],
    ])("(%s) is not touched, waited for or trusted", async (_, plant) => {
      await using folder = await createTempDir();
      await writeFile(folder.file("precious"), "mine");
      const path = folder.file("store.db");
      await (await open(path))[Symbol.asyncDispose]();
      await plant(`${path}-head`, folder.file("precious"));
      {
        await using streams = await open(path);
        // First with nobody who writes: of two who open a FIFO at the same time, neither waits.
        for (const events of [0, 2]) {
          await write(streams, events);
          const { problems, checkedEvents } = await streams.verify();
          expect(checkedEvents).toBe(events);
          expect(problems).toEqual([{ kind: "head", detail: expect.stringMatching(/store\.db-head cannot be used/) }]);
        }
      }
      expect(await readFile(folder.file("precious"), "utf8")).toBe("mine");
      expect(existsSync(`${path}-head`)).toBe(true);
    });
  });
});
