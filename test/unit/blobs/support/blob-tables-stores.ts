import { sqliteStreamFactory } from "../../../../adapters/sqlite/index.js";
import type { TransactionalStreamFactory } from "../../../../index.js";
import { disposingAlso } from "../../../support/disposing-also.js";
import { NO_POSTGRES } from "../../../support/postgres-server.js";
import { DRIVER_NAMES } from "../../../support/sqlite-drivers.js";
import { createTempDir } from "../../../support/temp-dir.js";
import { throwawayStores } from "../../../support/throwaway-stores.js";

/** The stores that blobs are kept in: a file through each driver, and a server where there is one. */
export const STORES: [string, () => Promise<TransactionalStreamFactory>][] = DRIVER_NAMES.map((driver) => [
  `SQLite, through ${driver}`,
  async () => {
    const folder = await createTempDir();
    return disposingAlso(await sqliteStreamFactory(folder.file("a.db"), { driver }), { after: [folder] });
  },
]);

if (NO_POSTGRES === null) STORES.push(["PostgreSQL", throwawayStores()]);
