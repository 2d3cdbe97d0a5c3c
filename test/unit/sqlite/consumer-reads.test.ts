import { expect, test } from "vitest";
import { consume } from "../../../src/consumers/index.js";
import { openStoreOver } from "../../support/open-store.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { DRIVERS } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const PARTITIONS = 16;
const STREAMS = 64;
const EVENTS_EACH = 40;

test("the partitions of a consumer are read for together, and not for each event", async () => {
  await using folder = await createTempDir();
  const { driver, calls } = recordingDriver(DRIVERS.sqlite3);
  await using streams = await openStoreOver(driver, folder.file("store.db"), { durability: "normal" });
  let position = 0;
  for (let turn = 0; turn < EVENTS_EACH; turn += 1) {
    const events = { type: "A", data: turn };
    const writes = Array.from({ length: STREAMS }, (_, index) => ({ streamId: `s-${index}`, events }));
    position = (await streams.writeAll(writes)).at(-1)?.position ?? 0;
  }
  calls.length = 0;

  const definition = { name: "reader", startFrom: "beginning", transact: async () => undefined } as const;
  await using consumer = await consume(streams, definition, { partitions: PARTITIONS });
  await consumer.whenProcessed(position, { timeoutMs: 60_000 });

  const pages = calls.filter(({ sql }) => sql.includes("AS packed")).length;
  expect(pages).toBeLessThan(position / 8);
});
