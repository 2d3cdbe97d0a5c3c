import { sqliteStreamFactory } from "../../../../adapters/sqlite/index.js";
import type { TransactionalStreamFactory } from "../../../../index.js";
import { postgresStreamFactory } from "../../../../postgres.js";
import { disposingAlso } from "../../../support/disposing-also.js";
import { NO_POSTGRES } from "../../../support/postgres-server.js";
import { ReusedSchemas, sharedServer } from "../../../support/postgres-stores.js";
import { DRIVER_NAMES } from "../../../support/sqlite-drivers.js";
import { createTempDir } from "../../../support/temp-dir.js";

/** The stores that blobs are kept in: a file through each driver, and a server where there is one. */
export const STORES: [string, () => Promise<TransactionalStreamFactory>][] = DRIVER_NAMES.map((driver) => [
  `SQLite, through ${driver}`,
  async () => {
    const folder = await createTempDir();
    return disposingAlso(await sqliteStreamFactory(folder.file("a.db"), { driver }), { after: [folder] });
  },
]);

if (NO_POSTGRES === null) {
  const server = sharedServer();
  const reused = new ReusedSchemas(server);
  STORES.push([
    "PostgreSQL",
    async () => {
      const { schemas, giveBack } = reused.take();
      const streams = await postgresStreamFactory((await server()).url(), { ...schemas, durability: "normal" });
      return disposingAlso(streams, { after: [giveBack] });
    },
  ]);
}
