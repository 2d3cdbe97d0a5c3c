import { describe, expect, test } from "vitest";
import { openSQLiteBackend, sqliteStreamFactory } from "../../adapters/sqlite/index.js";
import type { StorageHandle, StreamBackend, StreamFactory } from "../../protocols/index.js";
import { describeNotifier, describeStorageHandle, describeStreamFactory } from "../conformance/index.js";
import { disposingAlso } from "../support/disposing-also.js";
import { createTempDir } from "../support/temp-dir.js";

/** Opens a store, and the folder that goes with it where there is one. */
type Place = () => Promise<{ readonly path: string; readonly after: readonly AsyncDisposable[] }>;

// The name has what means something in a URI, and a database is opened by its path all the same.
const inFile: Place = async () => {
  const folder = await createTempDir();
  return { path: folder.file("a store #1 100% ü.db"), after: [folder] };
};

const inMemory: Place = async () => ({ path: ":memory:", after: [] });

function describeSQLite(name: string, place: Place): void {
  async function openBackend(): Promise<StreamBackend> {
    const { path, after } = await place();
    const { storage, notifier } = await openSQLiteBackend(path, {});
    return { storage: disposingAlso(storage, { before: [notifier], after }), notifier };
  }

  async function openStorage(): Promise<StorageHandle> {
    return (await openBackend()).storage;
  }

  async function openStreams(): Promise<StreamFactory> {
    const { path, after } = await place();
    return disposingAlso(await sqliteStreamFactory(path), { after });
  }

  const runner = { name, describe, test, expect };
  describeStorageHandle({ ...runner, open: openStorage });
  describeNotifier({ ...runner, open: openBackend });
  describeStreamFactory({ ...runner, open: openStreams });
}

describeSQLite("SQLite in a file", inFile);
describeSQLite("SQLite in memory", inMemory);
