import { rm } from "node:fs/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../index.js";
import { runProjections, whenProcessed } from "../../../projections.js";
import { openStoreOver } from "../../support/open-store.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest } from "../support/fault-test.js";
import { copyImage, observedDriver } from "../support/store-images.js";
import { deposit, sumsOfEvents, sumsOfTable, sumsProjection } from "../support/sums-projection.js";

/** How many writes there are beside each version. */
const WRITES = 8;
/** Of the process that is gone, which is slow, since its files are copied. */
const LEASE_MS = 10_000;
/** Of the one that goes on: it does not wait for longer than its own lease. */
const NEXT_LEASE_MS = 200;
/** How many images wait for a lease at the same time. */
const IMAGES_AT_ONCE = 16;

faultTest(
  "R62 a projection goes on from the files as they are at each of its statements, and has each event once",
  { quick: 1, soak: 14 },
  async ({ rounds, size, random, integer, count }) => {
    await using folder = await createTempDir();
    for (let round = 0; round < rounds; round += 1) {
      const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] ?? "sqlite3";
      const path = folder.file(`store-${round}.db`);
      const images: string[] = [];
      await projectTwoVersions(driver, path, {
        mode: random() < 0.3 ? "inline" : "behind",
        batchSize: integer(1, 40),
        onStatement() {
          if (size === "quick" && random() < 0.95) return;
          const image = folder.file(`image-${round}-${images.length}.db`);
          copyImage(path, image);
          images.push(image);
        },
      });
      for (let from = 0; from < images.length; from += IMAGES_AT_ONCE) {
        await Promise.all(images.slice(from, from + IMAGES_AT_ONCE).map((image) => goOn(driver, image)));
      }
      count("statements", images.length);
    }
  },
);

interface RunOptions {
  readonly mode: "inline" | "behind";
  readonly batchSize: number;
  readonly onStatement: () => void;
}

/** Runs a version of the projection, and then the next one, while there are writes. */
async function projectTwoVersions(driver: DriverName, path: string, options: RunOptions): Promise<void> {
  const { mode, batchSize, onStatement } = options;
  let isObserved = false;
  const observed = observedDriver(driver, () => isObserved && onStatement());
  await using streams = await openStoreOver(observed, path);
  await deposit(streams, 1);
  isObserved = true;
  for (const version of [1, 2]) {
    await using _runner = await runProjections(streams, [sumsProjection(version)], {
      mode,
      batchSize,
      leaseMs: LEASE_MS,
    });
    let last = 0;
    for (let write = 1; write <= WRITES; write += 1) last = await deposit(streams, version * write);
    await whenProcessed(streams, "sums", last);
  }
}

/** Opens an image as the next process does, and expects that it comes out right. */
async function goOn(driver: DriverName, image: string): Promise<void> {
  {
    await using streams = await sqliteStreamFactory(image, { driver });
    await using _runner = await runProjections(streams, [sumsProjection(2)], { leaseMs: NEXT_LEASE_MS });
    const last = await deposit(streams, 1_000);
    await whenProcessed(streams, "sums", last);
    expect(await sumsOfTable(streams)).toEqual(await sumsOfEvents(streams));
  }
  for (const suffix of ["", "-wal", "-shm"]) await rm(image + suffix, { force: true });
}
