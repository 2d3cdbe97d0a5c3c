import { expect, test } from "vitest";
import { runProjections } from "../../../src/projections/index.js";
import { openStoreOver } from "../../support/open-store.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

test("a unit that is projected inline asks only for the versions that are expected", async () => {
  await using folder = await createTempDir();
  const { driver, calls } = recordingDriver(DRIVERS.sqlite3);
  await using streams = await openStoreOver(driver, folder.file("store.db"), { durability: "normal" });
  await using _ = await runProjections(streams, [{ name: "p", project: async () => undefined }], { mode: "inline" });
  const events = { type: "A", data: 0 };
  const write = async (expectedVersion: "any" | 1) => {
    calls.length = 0;
    await streams.writeAll(["a", "b", "c"].map((streamId) => ({ streamId, events, expectedVersion })));
    return calls.filter(({ sql }) => sql.trim().startsWith("SELECT coalesce((SELECT version FROM")).length;
  };
  expect(await write("any")).toBe(0);
  expect(await write(1)).toBe(3);
});
