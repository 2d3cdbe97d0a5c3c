import type { StreamFactory } from "async-streams";
import type { Durability, Subject } from "../subject.js";
import { storeOverFactory, watchOverFactory } from "./library.js";
import { POSTGRES_SETTINGS, whyServerIsMissing } from "./postgres-durability.js";

/** The library over PostgreSQL, with its defaults. */
export const libraryPostgres: Subject = {
  name: "library-postgres",
  format: "library-postgres",
  settings: POSTGRES_SETTINGS,
  only: ["P1", "P2", "P3", "P4", "P5", "P6", "P7"],
  needsServer: true,
  packages: ["pg"],
  whyMissing: whyServerIsMissing,
  open: async (url, durability) => storeOverFactory(await openFactory(url, durability)),
  openWatched: async (url, durability, listener) => watchOverFactory(await openFactory(url, durability), listener),
};

async function openFactory(url: string, durability: Durability): Promise<StreamFactory> {
  // Loaded here, so that the processes of other subjects are without it.
  const { postgresStreamFactory } = await import("async-streams/postgres");
  return postgresStreamFactory(url, { durability });
}
