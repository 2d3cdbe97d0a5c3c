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

const STORES: readonly (readonly [string, () => Promise<StreamFactory>])[] = [
  ["memory", async () => memoryStreamFactory()],
  ["SQLite", openInFile],
];

for (const [store, openStore] of STORES) {
  const runner = { name: `${store} behind a port`, describe, test, expect };
  describeStorageHandle({ ...runner, open: async () => (await openExposedBackend(await openStore())).storage });
  describeNotifier({ ...runner, open: async () => openExposedBackend(await openStore()) });
  describeStreamFactory({ ...runner, open: async () => openExposedStore(await openStore()) });
}
