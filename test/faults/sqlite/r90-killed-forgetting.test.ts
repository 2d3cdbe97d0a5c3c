import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { filesWith } from "../../support/find-bytes.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { killForgetting } from "../support/killed-forgetting.js";

faultTest(
  "R90 a person whom a process forgets while it is killed at any statement is erased or as before, and stays forgotten",
  { quick: 4, soak: 45 },
  async (laboratory) => {
    await using folder = await createTempDir();
    await killForgetting(laboratory, async (round) => {
      const path = folder.file(`events-${round}.db`);
      return {
        address: { path },
        keyPath: folder.file(`keys-${round}.db`),
        open: (driver) => sqliteStreamFactory(path, { driver }),
        filesWith: async (text) => filesWith(folder.path, text),
      };
    });
  },
);
