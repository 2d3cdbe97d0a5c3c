import { describe, expect, test } from "vitest";
import { openPostgresBackend, postgresStreamFactory } from "../../../adapters/postgres/postgres-stream-factory.js";
import { describeNotifier, describeStorageHandle, describeStreamFactory } from "../../conformance/index.js";
import { disposingAlso } from "../../support/disposing-also.js";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";

if (NO_POSTGRES === null) {
  const server = sharedServer({ fsync: "off" });
  // The server is thrown away, and need not survive a power cut.
  const options = () => ({ ...ownSchemas(), durability: "normal" as const });
  const openBackend = async () => {
    const { storage, notifier } = await openPostgresBackend((await server()).url(), options());
    return { storage: disposingAlso(storage, { before: [notifier] }), notifier };
  };

  const runner = { name: "PostgreSQL", describe, test, expect };
  describeStorageHandle({ ...runner, open: async () => (await openBackend()).storage });
  describeNotifier({ ...runner, open: openBackend });
  describeStreamFactory({ ...runner, open: async () => postgresStreamFactory((await server()).url(), options()) });
} else {
  test(NO_POSTGRES, () => undefined);
}
