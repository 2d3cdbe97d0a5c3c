import { stat } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { MemoryNotifier, MemoryStorageHandle, memoryStreamFactory } from "../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import type { Stream } from "../../protocols/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { overriding } from "../support/overriding.js";
import { DRIVER_NAMES } from "../support/sqlite-drivers.js";
import { createTempDir } from "../support/temp-dir.js";

const event = { type: "Counted", data: { amount: 1 } };

/** The versions that snapshots are kept of. */
async function keptVersions(stream: Stream): Promise<number[]> {
  const versions: number[] = [];
  for (let snapshot = await stream.loadSnapshot(); snapshot !== null; ) {
    versions.unshift(snapshot.version);
    snapshot = await stream.loadSnapshot({ atOrBefore: snapshot.version - 1 });
  }
  return versions;
}

const STORES = [
  ["memory", async () => memoryStreamFactory()] as const,
  ...DRIVER_NAMES.map((driver) => [driver, () => sqliteStreamFactory(":memory:", { driver })] as const),
];

describe.each(STORES)("over %s", (_, open) => {
  test("snapshots that are not to be kept are gone, whatever order they were saved in", async () => {
    await using streams = await open();
    await using stream = await streams.openStream("a");
    await stream.write(Array.from({ length: 50 }, () => event));
    for (const version of [10, 20, 30]) await stream.snapshot({}, { version });
    expect(await keptVersions(stream)).toEqual([10, 20, 30]);
    await stream.snapshot({}, { version: 40, keep: 3 });
    expect(await keptVersions(stream)).toEqual([20, 30, 40]);
    await stream.snapshot({}, { version: 5, keep: 2 });
    expect(await keptVersions(stream)).toEqual([30, 40]);
    await stream.snapshot({}, { version: 40, keep: 1 });
    expect(await keptVersions(stream)).toEqual([40]);
    await stream.snapshot({}, { version: 50, keep: 1_000 });
    expect(await keptVersions(stream)).toEqual([40, 50]);
  });
});

test("an adapter that takes no second argument keeps every snapshot", async () => {
  const storage = new MemoryStorageHandle();
  const saveSnapshot: typeof storage.saveSnapshot = (snapshot) => storage.saveSnapshot(snapshot);
  const own = overriding(storage, { saveSnapshot });
  await using streams = createStreamFactory({ storage: own, notifier: new MemoryNotifier(storage) });
  await using stream = await streams.openStream("a");
  await stream.write([event, event]);
  for (const version of [1, 2]) await stream.snapshot({}, { version, keep: 1 });
  expect(await keptVersions(stream)).toEqual([1, 2]);
});

// Random, so that compression does not hide the size.
const STATE_BYTES = 50_000;
const MAX_FILE_BYTES = 4 * 1024 * 1024;

test("20,000 events with a snapshot of each hundred stay small where two snapshots are kept", async () => {
  await using folder = await createTempDir();
  await using streams = await sqliteStreamFactory(folder.file("store.db"), { durability: "normal" });
  await using stream = await streams.openStream("a");
  for (let version = 100; version <= 20_000; version += 100) {
    await stream.write(Array.from({ length: 100 }, () => event));
    await stream.snapshot(crypto.getRandomValues(new Uint8Array(STATE_BYTES)), { keep: 2 });
  }
  expect(await keptVersions(stream)).toEqual([19_900, 20_000]);
  await streams[Symbol.asyncDispose]();
  expect((await stat(folder.file("store.db"))).size).toBeLessThan(MAX_FILE_BYTES);
});
