import { expect } from "vitest";
import type { NodeProcess } from "../../support/node-process.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { RacingWriterConfig } from "../fixtures/racing-writer.js";
import type { Acknowledgement } from "../support/batches.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { inspectContents, SOUND } from "../support/inspect-contents.js";
import { StoreReader } from "../support/store-reader.js";

const PROCESS_COUNTS = [4, 8, 2];
const WRITES_OF_EACH = 20;

/** What a writer won; its first line says that it was ready. */
function wins(writer: NodeProcess): Acknowledgement[] {
  return writer.lines.flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Acknowledgement] : []));
}

faultTest(
  "R5 many processes write to one file: each version has one winner, and everybody gets on",
  { quick: 1, soak: 16 },
  async ({ rounds, count }) => {
    await using folder = await createTempDir();
    await using reader = new StoreReader();
    for (let round = 0; round < rounds; round += 1) {
      const path = folder.file(`raced-${round}.db`);
      const processes = PROCESS_COUNTS[round % PROCESS_COUNTS.length] as number;
      const writers = Array.from({ length: processes }, (_, index) => {
        const streamIds = ["shared", index % 2 === 0 ? "even" : "odd", `own-${index}`];
        const config: RacingWriterConfig = { path, run: `writer-${index}`, streamIds };
        return startFixture("racing-writer.ts", { args: [JSON.stringify(config)] });
      });
      for (const writer of writers) await writer.waitFor(() => writer.lines.length > 0);
      for (const writer of writers) writer.say("start");
      // All of them, the slowest too, have to win on the streams that others want.
      await Promise.all(writers.map((writer) => writer.waitFor(() => hasGotOn(writer))));
      expect(await Promise.all(writers.map((writer) => writer.finish()))).toEqual(writers.map(() => 0));

      const acknowledged = writers.flatMap(wins);
      const contents = await reader.read(path);
      expect(inspectContents(contents, acknowledged)).toEqual(SOUND);
      // Nobody was killed, so what is stored is what was won, and no version twice.
      expect(new Set(contents.rows.map(({ batch }) => batch)).size).toBe(acknowledged.length);
      expect(new Set(acknowledged.map(({ position }) => position)).size).toBe(acknowledged.length);
      count("processes", processes);
      count("acknowledged writes", acknowledged.length);
      for (const writer of writers) count("conflicts", Number(writer.lines.at(-1)));
    }
  },
);

function hasGotOn(writer: NodeProcess): boolean {
  const won = wins(writer);
  const isShared = ({ batch }: Acknowledgement): boolean => batch.includes("/shared/");
  return won.length >= WRITES_OF_EACH && won.some(isShared);
}
