import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { raceRemovals } from "../support/racing-removals.js";

faultTest(
  "R41 of writes, prunes and deletions that race in three processes, everything acknowledged is kept from the first version on, and nothing is behind a tombstone",
  { quick: 1, soak: 30 },
  async ({ rounds, ...laboratory }) => {
    await using folder = await createTempDir();
    for (let round = 0; round < rounds; round += 1) {
      const path = folder.file(`store-${round}.db`);
      await using streams = await sqliteStreamFactory(path);
      await raceRemovals(streams, path, laboratory);
    }
  },
);
