import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { checkHistories } from "../support/record-histories.js";

faultTest("R13 histories of concurrent clients are linearizable", { quick: 2, soak: 15 }, async (laboratory) => {
  for (let round = 0; round < laboratory.rounds; round += 1) {
    await using folder = await createTempDir();
    // The processes of one file come through either driver.
    await checkHistories({ path: folder.file("store.db"), drivers: DRIVER_NAMES }, laboratory, round);
  }
});
