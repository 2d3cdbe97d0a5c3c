import { memoryStreamFactory } from "../../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../../adapters/sqlite/index.js";
import { disposingAlso } from "../../../support/disposing-also.js";
import { DRIVER_NAMES } from "../../../support/sqlite-drivers.js";
import { createTempDir } from "../../../support/temp-dir.js";
import type { Streams } from "./rich-store.js";

/** Opens an empty store. */
export type OpenStore = () => Promise<Streams>;

async function inFile(driver: (typeof DRIVER_NAMES)[number]): Promise<Streams> {
  const folder = await createTempDir();
  return disposingAlso(await sqliteStreamFactory(folder.file("store.db"), { driver }), { after: [folder] });
}

/** One of each kind of store. */
export const STORES: readonly (readonly [string, OpenStore])[] = [
  ["memory", async () => memoryStreamFactory()],
  ["SQLite in memory", () => sqliteStreamFactory(":memory:", { checksums: false })],
  ...DRIVER_NAMES.map((driver) => [`SQLite through ${driver}`, () => inFile(driver)] as const),
];
