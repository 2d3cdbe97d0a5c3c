import { test } from "vitest";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { faultTest } from "../support/fault-test.js";
import { checkHistories } from "../support/record-histories.js";

if (NO_POSTGRES === null) {
  const server = sharedServer();

  faultTest(
    "R70 histories of concurrent clients of PostgreSQL are linearizable",
    { quick: 3, soak: 15 },
    async (laboratory) => {
      const path = (await server()).url();
      for (let round = 0; round < laboratory.rounds; round += 1) {
        await checkHistories({ path, drivers: [ownSchemas().schema] }, laboratory, round);
      }
    },
  );
} else {
  test(NO_POSTGRES, () => undefined);
}
