import { test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { sharedServer } from "../../support/postgres-stores.js";
import { faultTest } from "../support/fault-test.js";
import { raceRemovals } from "../support/racing-removals.js";

if (NO_POSTGRES === null) {
  const server = sharedServer();

  faultTest(
    "R45 of writes, prunes and deletions that race in three processes over PostgreSQL, everything acknowledged is kept from the first version on, and nothing is behind a tombstone",
    { quick: 1, soak: 9 },
    async ({ rounds, ...laboratory }) => {
      const started = await server();
      for (let round = 0; round < rounds; round += 1) {
        await started.query(`CREATE DATABASE raced_${round}`);
        const url = started.url(`raced_${round}`);
        await using streams = await postgresStreamFactory(url);
        await raceRemovals(streams, url, laboratory);
      }
    },
  );
} else {
  test(NO_POSTGRES, () => undefined);
}
