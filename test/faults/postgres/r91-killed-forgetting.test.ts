import { test } from "vitest";
import { postgresStreamFactory } from "../../../postgres.js";
import { filesWith } from "../../support/find-bytes.js";
import { NO_POSTGRES } from "../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../support/postgres-stores.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { killForgetting } from "../support/killed-forgetting.js";

if (NO_POSTGRES === null) {
  const server = sharedServer();

  faultTest(
    "R91 a person whom a process forgets over PostgreSQL while it is killed at any statement is erased or as before, and stays forgotten",
    { quick: 4, soak: 45 },
    async (laboratory) => {
      await using folder = await createTempDir();
      const started = await server();
      await killForgetting(laboratory, async (round) => {
        const address = { url: started.url(), ...ownSchemas() };
        const { url, ...schemas } = address;
        return {
          address,
          keyPath: folder.file(`keys-${round}.db`),
          open: () => postgresStreamFactory(url, schemas),
          filesWith: async (text) => {
            // What the server has in memory gets into its files.
            await started.query("CHECKPOINT");
            return [...filesWith(folder.path, text), ...filesWith(started.dataFolder, text)];
          },
        };
      });
    },
  );
} else {
  test(NO_POSTGRES, () => undefined);
}
