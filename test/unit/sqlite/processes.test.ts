import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StoredEvent } from "../../../protocols/index.js";
import { compiledProgram } from "../../support/compiled-program.js";
import { NodeProcess } from "../../support/node-process.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const APPENDER = fileURLToPath(new URL("fixtures/appender.ts", import.meta.url));
const PATIENCE = { timeout: 30_000, interval: 20 };

interface AppenderOptions {
  readonly driver: DriverName;
  readonly path: string;
  readonly streamId: string;
  readonly count: number;
  readonly mode?: "any" | "race";
}

function startAppender({ driver, path, streamId, count, mode = "any" }: AppenderOptions): NodeProcess {
  return new NodeProcess(compiledProgram(APPENDER), { args: [path, streamId, count, mode, driver] });
}

/** The versions that it was told. */
const acknowledged = ({ lines }: NodeProcess): number[] => lines.map(Number);

const numbersTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

describe.each(DRIVER_NAMES)("over %s", (driver) => {
  test("several processes write to one file, whichever drivers they use, and a watcher sees every event once and in order", async () => {
    await using folder = await createTempDir();
    const path = folder.file("shared.db");
    await using streams = await sqliteStreamFactory(path, { driver });
    const seen: StoredEvent[] = [];
    const all = await streams.openStream("@all");
    all.watch().subscribe((event) => seen.push(event));
    const appenders = [driver, ...DRIVER_NAMES].map((each, index) =>
      startAppender({ driver: each, path, streamId: `own-${index}`, count: 60 }),
    );
    const racers = [0, 1].map(() => startAppender({ driver, path, streamId: "shared", count: 40, mode: "race" }));

    for (const each of [...appenders, ...racers]) expect(await each.ended).toMatchObject({ exitCode: 0, stderr: "" });

    for (const appender of appenders) expect(acknowledged(appender)).toEqual(numbersTo(60));
    const raced = racers.flatMap(acknowledged);
    expect(raced.sort((a, b) => a - b)).toEqual(numbersTo(80));
    await vi.waitFor(() => expect(seen.length).toBe(260), PATIENCE);
    expect(seen.map(({ position }) => position)).toEqual(numbersTo(260));
  });

  test("what a writer was told is stored is there after it was killed", async () => {
    await using folder = await createTempDir();
    for (const round of [1, 2, 3]) {
      const path = folder.file(`killed-${round}.db`);
      await using appender = startAppender({ driver, path, streamId: "a", count: 1_000_000 });
      await appender.waitFor(() => appender.lines.length > round * 50);
      await appender.kill();

      await using streams = await sqliteStreamFactory(path, { driver });
      const stream = await streams.openStream("a");
      const versions: number[] = [];
      for await (const { version } of stream.read()) versions.push(version);
      expect(versions).toEqual(numbersTo(versions.length));
      expect(versions.length).toBeGreaterThanOrEqual(acknowledged(appender).length);
      await expect(stream.write({ type: "After", data: null })).resolves.toMatchObject({ written: 1 });
    }
  });
});
