import { copyFile, rm } from "node:fs/promises";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { fillForCopies, killCopies } from "../support/killed-copies.js";

faultTest(
  "R71 a copy that is killed at any statement goes on when it is called again, and is what its source is",
  { quick: 1, soak: 8 },
  async (laboratory) => {
    await using folder = await createTempDir();
    const original = folder.file("original.db");
    {
      await using streams = await sqliteStreamFactory(original);
      await fillForCopies(streams);
    }
    await killCopies(laboratory, async () => {
      const driver = DRIVER_NAMES[laboratory.integer(0, DRIVER_NAMES.length - 1)] as DriverName;
      const [source, target] = [folder.file("source.db"), folder.file("target.db")];
      await copyFile(original, source);
      return {
        source: { path: source, driver },
        target: { path: target, driver },
        [Symbol.asyncDispose]: async () => {
          for (const path of [source, target]) {
            for (const ending of ["", "-wal", "-shm", "-head"]) await rm(`${path}${ending}`, { force: true });
          }
        },
      };
    });
  },
);
