import { expect, test } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { describeSQLiteInFile } from "../../support/describe-sqlite.js";
import { HAS_NODE_SQLITE } from "../../support/sqlite-drivers.js";

if (HAS_NODE_SQLITE) describeSQLiteInFile("node:sqlite");
else {
  test("a Node without a usable node:sqlite refuses the driver, and says what to do", async () => {
    await expect(sqliteStreamFactory(":memory:", { driver: "node:sqlite" })).rejects.toMatchObject({
      code: "STORAGE_DRIVER_UNSUPPORTED",
      message: expect.stringMatching(
        /^Cannot use the driver "node:sqlite" with Node \S+: .+\. Use Node 22\.22\.3, 24\.15\.0, 26 or later, or another driver: npm install /,
      ),
    });
  });
}
