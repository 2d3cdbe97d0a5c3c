import { describe, expect, test } from "vitest";
import { openPostgresBackend } from "../../../adapters/postgres/postgres-stream-factory.js";
import { postgresStreamFactory } from "../../../postgres.js";
import { describeNotifier, describeStorageHandle, describeStreamFactory } from "../../conformance/index.js";
import { disposingAlso } from "../../support/disposing-also.js";
import { NO_POSTGRES, THROWAWAY } from "../../support/postgres-server.js";
import { ReusedSchemas, sharedServer } from "../../support/postgres-stores.js";
import { RecycledConnections } from "../../support/recycled-connections.js";

if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  const connections = new RecycledConnections(async () => (await server()).url());
  const reused = new ReusedSchemas(server);
  // The server is thrown away, and need not survive a power cut.
  const durability = "normal" as const;

  const openBackend = async () => {
    const { schemas, giveBack } = reused.take();
    const { storage, notifier } = await openPostgresBackend(connections, { ...schemas, durability });
    return { storage: disposingAlso(storage, { before: [notifier], after: [giveBack] }), notifier };
  };
  const openFactory = async () => {
    const { schemas, giveBack } = reused.take();
    const streams = await postgresStreamFactory(connections, { ...schemas, durability });
    return disposingAlso(streams, { after: [giveBack] });
  };

  const runner = { name: "PostgreSQL", describe, test, expect };
  describeStorageHandle({ ...runner, open: async () => (await openBackend()).storage });
  describeNotifier({ ...runner, open: openBackend });
  describeStreamFactory({ ...runner, open: openFactory });
} else {
  test(NO_POSTGRES, () => undefined);
}
