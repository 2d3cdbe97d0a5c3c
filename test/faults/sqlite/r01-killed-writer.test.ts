import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { BatchWriterConfig } from "../fixtures/batch-writer.js";
import type { Acknowledgement } from "../support/batches.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { inspectContents, SOUND } from "../support/inspect-contents.js";
import { StoreReader } from "../support/store-reader.js";

const SHAPE = { streams: 5, maxEvents: 6, maxFillerBytes: 600 };
const KILLS_OF_ONE_FILE = 5;

faultTest(
  "R1 a writer that is killed loses nothing that it was told is stored",
  { quick: 5, soak: 100 },
  async ({ rounds, random, integer, count }) => {
    await using folder = await createTempDir();
    await using reader = new StoreReader();
    let acknowledged: Acknowledgement[] = [];
    let path = "";
    for (let round = 0; round < rounds; round += 1) {
      const isNew = round % KILLS_OF_ONE_FILE === 0;
      if (isNew) {
        path = folder.file(`killed-${round}.db`);
        acknowledged = [];
      }
      const run = `run-${round}`;
      // The writers of one file come through either driver.
      const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)];
      const config: BatchWriterConfig = { path, driver, run, clients: integer(1, 8), shape: SHAPE };
      await using writer = startFixture("batch-writer.ts", { args: [JSON.stringify(config)] });
      // Some are killed while they make or open the store, most while they write.
      const isOpening = random() < 0.3;
      await writer.waitFor(() => writer.lines.length > (isOpening ? 0 : 1));
      await delay(random() * (isOpening ? 20 : 150));
      await writer.kill();

      const answers = writer.lines.slice(1).map((line) => JSON.parse(line) as Acknowledgement);
      acknowledged.push(...answers);
      const contents = await reader.read(path, random() < 0.5 ? `reopened-${round}` : undefined);
      expect(inspectContents(contents, acknowledged)).toEqual(SOUND);
      count("kills");
      count("acknowledged writes", answers.length);
      const stored = new Set(
        contents.rows.filter(({ batch }) => batch.startsWith(`${run}/`)).map(({ batch }) => batch),
      );
      count("writes stored without an answer", stored.size - answers.length);
    }
  },
);
