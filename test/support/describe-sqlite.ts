import { describe, expect, test } from "vitest";
import { openSQLiteBackend, type SQLiteOptions, sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import type { StorageHandle, StreamBackend, StreamFactory } from "../../protocols/index.js";
import { describeNotifier, describeStorageHandle, describeStreamFactory } from "../conformance/index.js";
import { disposingAlso } from "./disposing-also.js";
import type { DriverName } from "./sqlite-drivers.js";
import { createTempDir } from "./temp-dir.js";

/** Opens a store, and the folder that goes with it where there is one. */
type Place = () => Promise<{ readonly path: string; readonly after: readonly AsyncDisposable[] }>;

// The name has what means something in a URI, and a database is opened by its path all the same.
const inFile: Place = async () => {
  const folder = await createTempDir();
  return { path: folder.file("a store #1 100% ü.db"), after: [folder] };
};

const inMemory: Place = async () => ({ path: ":memory:", after: [] });

/** Runs the conformance suite over a store in a file. */
export function describeSQLiteInFile(driver: DriverName): void {
  describeStore(`SQLite in a file, through ${driver}`, inFile, { driver });
}

/** Runs the conformance suite over a store in memory that has no checksums. */
export function describeSQLiteInMemory(driver: DriverName): void {
  describeStore(`SQLite in memory, without checksums, through ${driver}`, inMemory, { driver, checksums: false });
}

function describeStore(name: string, place: Place, options: SQLiteOptions): void {
  async function openBackend(): Promise<StreamBackend> {
    const { path, after } = await place();
    const { storage, notifier } = await openSQLiteBackend(path, options);
    return { storage: disposingAlso(storage, { before: [notifier], after }), notifier };
  }

  async function openStorage(): Promise<StorageHandle> {
    return (await openBackend()).storage;
  }

  async function openStreams(): Promise<StreamFactory> {
    const { path, after } = await place();
    return disposingAlso(await sqliteStreamFactory(path, options), { after });
  }

  const runner = { name, describe, test, expect };
  describeStorageHandle({ ...runner, open: openStorage });
  describeNotifier({ ...runner, open: openBackend });
  describeStreamFactory({ ...runner, open: openStreams });
}
