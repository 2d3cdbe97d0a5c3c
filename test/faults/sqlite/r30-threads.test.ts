import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { StoreThread } from "../../support/store-thread.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { BatchWriterConfig } from "../fixtures/batch-writer.js";
import { type Acknowledgement, writeBatch } from "../support/batches.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { inspectContents, SOUND } from "../support/inspect-contents.js";
import { StoreReader } from "../support/store-reader.js";

const SHAPE = { streams: 3, maxEvents: 3, maxFillerBytes: 600 };

faultTest(
  "R30 threads of one process, with one driver, and another process lose nothing that was acknowledged",
  { quick: 2, soak: 20 },
  async ({ rounds, integer, count }) => {
    await using folder = await createTempDir();
    await using reader = new StoreReader();
    for (let round = 0; round < rounds; round += 1) {
      const path = folder.file(`threads-${round}.db`);
      const driver = DRIVER_NAMES[round % DRIVER_NAMES.length] as DriverName;
      const config: BatchWriterConfig = {
        path,
        driver: DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)],
        run: "process",
        clients: 2,
        shape: SHAPE,
      };
      await using process = startFixture("batch-writer.ts", { args: [JSON.stringify(config)] });
      await using steady = new StoreThread({ path, driver, run: "steady", manner: "writes" });
      await using reopening = new StoreThread({ path, driver, run: "reopening", manner: "reopens" });
      const enough = integer(5, 20);
      let isEnough = false;
      const threads = Promise.all([
        process.waitFor(() => process.lines.length > enough),
        steady.waitFor(() => steady.acknowledged.length > enough),
        reopening.waitFor(() => reopening.acknowledged.length > enough),
      ]).finally(() => {
        isEnough = true;
      });
      const own: Acknowledgement[] = [];
      while (!isEnough) {
        // Whoever opens and closes a store while others write to it may drop their locks.
        await using streams = await sqliteStreamFactory(path, { driver });
        for (let writes = integer(1, 10); writes > 0; writes -= 1) {
          const batch = `main/${own.length}`;
          const { version, position } = await writeBatch(streams, batch, SHAPE);
          own.push({ batch, version, position });
        }
        await delay(1);
      }
      await threads;
      await Promise.all([steady.finish(), reopening.finish()]);
      expect(await process.finish()).toBe(0);

      const answers = process.lines.slice(1).map((line) => JSON.parse(line) as Acknowledgement);
      const acknowledged = [...own, ...steady.acknowledged, ...reopening.acknowledged, ...answers];
      expect(inspectContents(await reader.read(path, `reopened-${round}`), acknowledged)).toEqual(SOUND);
      count("acknowledged writes", acknowledged.length);
      count("openings beside writers", reopening.acknowledged.length);
    }
  },
);
