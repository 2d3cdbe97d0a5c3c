import { expect } from "vitest";
import { runProjections, whenProcessed } from "../../../projections.js";
import { PROJECTIONS_SPACE } from "../../../src/administration/reserved-spaces.js";
import { inRecords } from "../../unit/consumers/support/lease-records.js";
import type { ProjectingConfig } from "../fixtures/projecting-process.js";
import { backendsHere } from "../support/backends.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { type EitherStore, openStoreAt } from "../support/store-address.js";
import { sumsOfTable, sumsProjection } from "../support/sums-projection.js";

/** Each of a type of its own, of which the projection wants none. */
const FOREIGN_EVENTS = 10_000;
/** In how many writes they come, after each of which somebody waits: here, and in another process, which takes longer. */
const WRITES = { here: 100, elsewhere: 5 };
/** Of the median of the waits, in a soak run. */
const PROMISED_MS = { here: 50, elsewhere: 1_500 };
const MAX_COMMITS = 15;
/** It goes by time when a checkpoint is written: a machine that takes longer for the events has more of them. */
const MS_PER_COMMIT = 1_000;

type Place = keyof typeof WRITES;

for (const backend of backendsHere()) {
  for (const place of ["here", "elsewhere"] as const) {
    faultTest(
      `R65 a projection over ${backend.name} that wants 1 type in 10,000 is waited for ${place === "here" ? "in its process" : "in another process"}, and writes few checkpoints`,
      { quick: 1, soak: 3 },
      async ({ rounds, size, count }) => {
        let mostCommits = 0;
        let longestMs = 0;
        for (let round = 0; round < rounds; round += 1) {
          await using created = await backend.createAddress();
          const { address } = created;
          await using streams = await openStoreAt(address);
          const config: ProjectingConfig = { address, leaseMs: 10_000, version: 1, isInline: false };
          await using _ =
            place === "here"
              ? await runProjections(streams, [sumsProjection(1)])
              : startFixture("projecting-process.ts", { args: [JSON.stringify(config)] });
          await whenProcessed(streams, "sums", await write(streams, ["First"]), { timeoutMs: 50_000 });
          const before = await commits(streams);
          const beganMs = performance.now();
          const waits = await writeAndWait(streams, place);
          const tookMs = performance.now() - beganMs;
          const written = (await commits(streams)) - before;
          expect(written).toBeLessThanOrEqual(Math.max(MAX_COMMITS, tookMs / MS_PER_COMMIT));
          expect(await sumsOfTable(streams)).toEqual({ a: 1 });
          const median = waits.sort((a, b) => a - b)[Math.floor(waits.length / 2)] as number;
          if (size === "soak") expect(median).toBeLessThan(PROMISED_MS[place]);
          mostCommits = Math.max(mostCommits, written);
          longestMs = Math.max(longestMs, median);
        }
        count("most commits", mostCommits);
        count("most ms of the median wait", Math.ceil(longestMs));
      },
    );
  }
}

/** @returns the last position */
async function write(streams: EitherStore, types: readonly string[]): Promise<number> {
  const stream = await streams.openStream("a");
  return (await stream.write(types.map((type) => ({ type, data: { amount: 1 } })))).position;
}

/** Writes all events, among them the one that is wanted. @returns how long the end was waited for after each write */
async function writeAndWait(streams: EitherStore, place: Place): Promise<number[]> {
  const types = Array.from({ length: FOREIGN_EVENTS }, (_, index) => `Foreign${index}`);
  types.splice(FOREIGN_EVENTS / 2, 0, "Deposited");
  const waits: number[] = [];
  const length = Math.ceil(types.length / WRITES[place]);
  for (let first = 0; first < types.length; first += length) {
    const end = await write(streams, types.slice(first, first + length));
    const beganMs = performance.now();
    await whenProcessed(streams, "sums", end, { timeoutMs: 50_000 });
    waits.push(performance.now() - beganMs);
  }
  return waits;
}

/** How often the checkpoint was written, with events or without. */
async function commits(streams: EitherStore): Promise<number> {
  return (await inRecords(streams, (records) => records.get(PROJECTIONS_SPACE, "sums@1")))?.revision ?? 0;
}
