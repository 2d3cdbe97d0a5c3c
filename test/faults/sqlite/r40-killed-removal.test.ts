import { copyFile } from "node:fs/promises";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { killRemovals } from "../support/killed-removals.js";
import { fillForRemoval } from "../support/removal.js";

faultTest(
  "R40 a prune or a deletion that is killed at any statement leaves a sound store, and a second call finishes it",
  { quick: 6, soak: 36 },
  async (laboratory) => {
    await using folder = await createTempDir();
    const source = folder.file("source.db");
    {
      await using streams = await sqliteStreamFactory(source);
      await fillForRemoval(streams);
    }
    await killRemovals(laboratory, "removing-process.ts", async (round) => {
      const driver = DRIVER_NAMES[laboratory.integer(0, DRIVER_NAMES.length - 1)] as DriverName;
      const path = folder.file(`round-${round}.db`);
      await copyFile(source, path);
      return {
        place: { path, driver },
        open: () => sqliteStreamFactory(path, { driver }),
        [Symbol.asyncDispose]: async () => undefined,
      };
    });
  },
);
