import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StreamFactory } from "../../../protocols/index.js";
import { describeNotifier, describeStorageHandle, describeStreamFactory } from "../../conformance/index.js";
import { disposingAlso } from "../../support/disposing-also.js";
import { openExposedBackend, openExposedStore } from "../../support/exposed-store.js";
import { createTempDir } from "../../support/temp-dir.js";

async function openInFile(): Promise<StreamFactory> {
  const folder = await createTempDir();
  const streams = await sqliteStreamFactory(folder.file("store.db"), { driver: "better-sqlite3" });
  return disposingAlso(streams, { after: [folder] });
}

const IN_MEMORY = { name: "memory behind a port", describe, test, expect };
const IN_FILE = { name: "SQLite behind a port", describe, test, expect };

// What crosses a port is the same whatever the store is. Only the factory has more over SQLite: tables and maintenance.
describeStorageHandle({ ...IN_MEMORY, open: async () => (await openExposedBackend(memoryStreamFactory())).storage });
describeNotifier({ ...IN_MEMORY, open: async () => openExposedBackend(memoryStreamFactory()) });
describeStreamFactory({ ...IN_FILE, open: async () => openExposedStore(await openInFile()) });
