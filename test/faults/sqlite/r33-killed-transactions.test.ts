import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { openStoreOver } from "../../support/open-store.js";
import { DRIVER_NAMES } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { KilledTransactorConfig } from "../fixtures/killed-transactor.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { copyImage, observedDriver } from "../support/store-images.js";
import { makeNumbers, runTransactions, wholeTransactions } from "../support/transaction-parts.js";

/** About how many statements the process makes. */
const MAX_STATEMENT = 100;

faultTest(
  "R33 a transaction of a process that is killed at any statement is stored whole or not at all",
  { quick: 4, soak: 60 },
  async ({ rounds, random, integer, count }) => {
    await using folder = await createTempDir();
    for (let round = 0; round < rounds; round += 1) {
      const path = folder.file(`killed-${round}.db`);
      const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] ?? "sqlite3";
      {
        await using made = await sqliteStreamFactory(path, { driver });
        await makeNumbers(made);
      }
      const config: KilledTransactorConfig = {
        path,
        driver,
        killAt: integer(1, MAX_STATEMENT),
        isAfter: random() < 0.5,
      };
      const { exitCode, stdout, stderr } = await startFixture("killed-transactor.ts", {
        args: [JSON.stringify(config)],
      }).ended;
      expect([exitCode ?? 0, stderr]).toEqual([0, ""]);

      await using streams = await sqliteStreamFactory(path, { driver });
      const stored = await wholeTransactions(streams);
      const acknowledged = stdout
        .split("\n")
        .filter((line) => /^\d+$/.test(line))
        .map(Number);
      expect(stored).toEqual(expect.arrayContaining(acknowledged));
      await streams.transaction((tx) => tx.write("a", { type: "After", data: { number: -1 } }));
      count("kills", exitCode === null ? 1 : 0);
      count("acknowledged", acknowledged.length);
      count("stored without an answer", stored.length - acknowledged.length);
    }
  },
);

// What a process leaves that is killed is what it has handed to the system. So the files are copied at every statement.
faultTest(
  "R33 the files as they are at each statement of transactions have each of them whole or not at all",
  { quick: 1, soak: 110 },
  async ({ rounds, integer, count }) => {
    await using folder = await createTempDir();
    for (let round = 0; round < rounds; round += 1) {
      const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] ?? "sqlite3";
      const path = folder.file(`store-${round}.db`);
      const images: { readonly path: string; readonly acknowledged: readonly number[] }[] = [];
      const acknowledged: number[] = [];
      let isCopying = false;
      const copying = observedDriver(driver, () => {
        if (!isCopying) return;
        const image = folder.file(`image-${round}-${images.length}.db`);
        copyImage(path, image);
        images.push({ path: image, acknowledged: [...acknowledged] });
      });
      {
        await using streams = await openStoreOver(copying, path);
        await makeNumbers(streams);
        isCopying = true;
        await runTransactions(streams, (number) => acknowledged.push(number));
        isCopying = false;
      }
      for (const image of images) {
        await using streams = await sqliteStreamFactory(image.path, { driver });
        expect(await wholeTransactions(streams)).toEqual(expect.arrayContaining([...image.acknowledged]));
        count("statements");
      }
    }
  },
);
