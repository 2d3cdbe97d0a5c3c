import { onTestFinished } from "vitest";
import { createStore, type Store, type StoreConfig } from "../../../../examples/openfroyo/index.js";
import { NO_POSTGRES } from "../../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../../support/postgres-stores.js";
import { createTempDir } from "../../../support/temp-dir.js";

/** A configuration of a store that is not there yet. */
type MakeConfig = () => Promise<StoreConfig>;

/** A file in a folder of its own, as the profile "solo" has it. */
export async function soloConfig(): Promise<{ readonly path: string }> {
  const folder = await createTempDir();
  onTestFinished(() => folder[Symbol.asyncDispose]());
  return { path: folder.file("data/openfroyo.db") };
}

/** The profiles, for `describe.each`: what holds for one holds for the other. */
export const PROFILES: [string, MakeConfig][] = [["solo", soloConfig]];

if (NO_POSTGRES === null) {
  const server = sharedServer();
  PROFILES.push(["cluster", async () => ({ url: (await server()).url(), ...ownSchemas() })]);
}

/** A store that is closed after the test. */
export async function openStore(config: StoreConfig): Promise<Store> {
  const store = createStore(config);
  onTestFinished(() => store.close());
  await store.init();
  await store.migrate();
  return store;
}

/** With a run, which most of what a store has belongs to. */
export async function openStoreWithRun(config: StoreConfig): Promise<Store> {
  const store = await openStore(config);
  await store.createRun({ id: "run-001", planPath: "/plans/deploy-apache.json" });
  return store;
}
