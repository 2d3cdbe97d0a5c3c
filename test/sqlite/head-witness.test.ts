import { copyFile, mkdir, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { expect, test, vi } from "vitest";
import { sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import { readWitness } from "../../adapters/sqlite/maintenance/head-witness.js";
import type { Stream, StreamFactory } from "../../protocols/index.js";
import { createTempDir } from "../support/temp-dir.js";

const FILES = ["", "-wal", "-head"];

/** Copies a store that is in use, as a crash would leave it, into another file. */
async function crashInto(from: string, to: string): Promise<void> {
  for (const suffix of FILES) await copyFile(`${from}${suffix}`, `${to}${suffix}`);
}

async function write(streams: StreamFactory, events: number): Promise<Stream> {
  const stream = await streams.openStream("a");
  for (let count = 0; count < events; count += 1) await stream.write({ type: "Counted", data: { count } });
  return stream;
}

/** A folder with a store that crashed behind ten events, in a file for each name. */
async function crashedStores(...names: string[]) {
  const folder = await createTempDir();
  await using streams = await sqliteStreamFactory(folder.file("store.db"));
  await write(streams, 10);
  await vi.waitFor(async () => expect(await readWitness(folder.file("store.db"))).toMatchObject({ position: 10 }));
  for (const name of names) await crashInto(folder.file("store.db"), folder.file(name));
  return folder;
}

test("a log that was cut is found, although SQLite takes what is left for all there was", async () => {
  await using folder = await crashedStores("cut.db", "emptied.db", "removed.db");
  await truncate(folder.file("cut.db-wal"), 32 + 3 * (4096 + 24));
  await writeFile(folder.file("emptied.db-wal"), "");
  await rm(folder.file("removed.db-wal"));
  for (const name of ["cut.db", "emptied.db", "removed.db"]) {
    await using streams = await sqliteStreamFactory(folder.file(name));
    const { ok, problems } = await streams.verify();
    expect(ok).toBe(false);
    expect(problems).toEqual([
      {
        kind: "head",
        position: 10,
        detail: expect.stringMatching(/event at 10 was acknowledged, and the store ends at/),
      },
    ]);
  }
});

test("a log that was cut is found also when the store has gone on since, until its witness is removed", async () => {
  await using folder = await crashedStores("store-2.db");
  const path = folder.file("store-2.db");
  await rm(`${path}-wal`);
  for (const round of [1, 2]) {
    await using streams = await sqliteStreamFactory(path);
    await write(streams, 10);
    const { problems } = await streams.verify();
    expect(problems.map(({ kind, position }) => [round, kind, position])).toEqual([[round, "head", 10]]);
  }
  await rm(`${path}-head`);
  await using streams = await sqliteStreamFactory(path);
  await write(streams, 1);
  expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 21 });
});

test("a witness stays true while a store goes on without checksums, and is taken up again with them", async () => {
  await using folder = await crashedStores("store-2.db");
  const path = folder.file("store-2.db");
  for (const events of [20, 30]) {
    await using streams = await sqliteStreamFactory(path, { checksums: false });
    await write(streams, 10);
    expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: events });
  }
  expect(await readWitness(path)).toMatchObject({ position: 10 });
  await using streams = await sqliteStreamFactory(path);
  expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 30 });
  await write(streams, 1);
  await vi.waitFor(async () => expect(await readWitness(path)).toMatchObject({ position: 31 }));
  expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 31 });
});

test("a log that was cut is found also when the store has gone on without checksums since", async () => {
  await using folder = await crashedStores("store-2.db");
  const path = folder.file("store-2.db");
  await rm(`${path}-wal`);
  // The event that takes the place of the one that is gone has no checksum.
  for (const checksums of [false, true]) {
    await using streams = await sqliteStreamFactory(path, { checksums });
    await write(streams, 10);
    const { problems } = await streams.verify();
    expect(problems).toEqual([
      {
        kind: "head",
        position: 10,
        detail: expect.stringMatching(/event at 10 was acknowledged, and it is not there/),
      },
    ]);
  }
});

test("nothing is left beside a store that was closed, and a new one does not take over what an old one left", async () => {
  await using folder = await crashedStores("new.db");
  expect(await readdir(folder.path)).not.toContain("store.db-head");
  await rm(folder.file("new.db"));
  await rm(folder.file("new.db-wal"));
  await using streams = await sqliteStreamFactory(folder.file("new.db"));
  expect(await streams.verify()).toMatchObject({ ok: true, checkedEvents: 0 });
});

test("a witness that is no whole one, or cannot be written, takes nothing away from the store", async () => {
  await using folder = await crashedStores("garbled.db");
  await writeFile(`${folder.file("garbled.db")}-head`, "async-streams head 99 1 7");
  await mkdir(`${folder.file("plain.db")}-head`);
  await using garbled = await sqliteStreamFactory(folder.file("garbled.db"));
  expect(await garbled.verify()).toMatchObject({ ok: true, checkedEvents: 10 });
  await write(garbled, 1);
  expect(await garbled.verify()).toMatchObject({ ok: true, checkedEvents: 11 });
  await using plain = await sqliteStreamFactory(folder.file("plain.db"));
  await write(plain, 2);
  expect(await plain.verify()).toMatchObject({ ok: true, checkedEvents: 2 });
});
