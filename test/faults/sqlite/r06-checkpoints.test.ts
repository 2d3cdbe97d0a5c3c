import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { NodeProcess } from "../../support/node-process.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { BatchWriterConfig } from "../fixtures/batch-writer.js";
import type { Sight } from "../fixtures/checkpointer.js";
import type { Acknowledgement } from "../support/batches.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { inspectContents, SOUND } from "../support/inspect-contents.js";
import { StoreReader } from "../support/store-reader.js";

const SHAPE = { streams: 6, maxEvents: 5, maxFillerBytes: 1_000 };
const WRITES = 150;
const CHECKPOINTS = 25;
const BACKUPS = 3;

// The first line says that the writer opens the store.
const acknowledgements = ({ lines }: NodeProcess): Acknowledgement[] =>
  lines.slice(1).map((line) => JSON.parse(line) as Acknowledgement);

const sights = ({ lines }: NodeProcess): Sight[] => lines.map((line) => JSON.parse(line) as Sight);

faultTest(
  "R6 checkpoints of another process and backups, made while writers write, lose nothing and stop nobody",
  { quick: 1, soak: 15 },
  async ({ rounds, integer, count }) => {
    await using folder = await createTempDir();
    await using reader = new StoreReader();
    for (let round = 0; round < rounds; round += 1) {
      const path = folder.file(`checkpoints-${round}.db`);
      await using streams = await sqliteStreamFactory(path);
      await using checkpointer = startFixture("checkpointer.ts", { args: [path] });
      const writers = [0, 1].map((index) => {
        const config: BatchWriterConfig = { path, run: `writer-${index}`, clients: integer(1, 6), shape: SHAPE };
        return startFixture("batch-writer.ts", { args: [JSON.stringify(config)] });
      });
      const answers = (): Acknowledgement[] => writers.flatMap(acknowledgements);
      for (let backup = 0; backup < BACKUPS; backup += 1) {
        await Promise.all(
          writers.map((writer) => writer.waitFor(() => writer.lines.length > (backup * WRITES) / BACKUPS)),
        );
        const before = answers();
        const copy = folder.file(`copy-${round}-${backup}.db`);
        await streams.backup(copy);
        expect(inspectContents(await reader.read(copy, "reopened"), before)).toEqual(SOUND);
        count("backups");
      }
      const enoughWrites = writers.map((writer) => writer.waitFor(() => writer.lines.length > WRITES));
      const isEnough = (): boolean => sights(checkpointer).filter(({ wasBusy }) => !wasBusy).length >= CHECKPOINTS;
      await Promise.all([...enoughWrites, checkpointer.waitFor(isEnough)]);
      const ends = [...writers, checkpointer].map((process) => process.finish());
      expect(await Promise.all(ends)).toEqual(ends.map(() => 0));

      const acknowledged = answers();
      const contents = await reader.read(path);
      expect(inspectContents(contents, acknowledged)).toEqual(SOUND);
      expectSteadySights(sights(checkpointer));
      count("acknowledged writes", acknowledged.length);
      count("checkpoints", sights(checkpointer).length);
    }
  },
);

/** Whoever reads between the checkpoints sees whole streams, and never fewer events than before. */
function expectSteadySights(seen: readonly Sight[]): void {
  expect(
    seen.filter(({ events, lastPosition, brokenStreams }) => events !== lastPosition || brokenStreams > 0),
  ).toEqual([]);
  const counts = seen.map(({ events }) => events);
  expect(counts).toEqual([...counts].sort((a, b) => a - b));
}
