import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { StoredEvent } from "../../../protocols/index.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";

const APPENDER = fileURLToPath(new URL("fixtures/appender.ts", import.meta.url));
const PATIENCE = { timeout: 30_000, interval: 20 };

interface Appender {
  readonly process: ChildProcess;
  /** The versions that were acknowledged. */
  readonly acknowledged: () => number[];
  readonly ended: Promise<unknown[]>;
}

interface AppenderOptions {
  readonly driver: DriverName;
  readonly path: string;
  readonly streamId: string;
  readonly count: number;
  readonly mode?: "any" | "race";
}

function startAppender({ driver, path, streamId, count, mode = "any" }: AppenderOptions): Appender {
  const args = ["--import", "tsx", APPENDER, path, streamId, String(count), mode, driver];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  // The last line may have been cut by a kill.
  const acknowledged = (): number[] => output.split("\n").slice(0, -1).map(Number);
  return { process: child, acknowledged, ended: once(child, "close") };
}

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

    for (const { ended } of [...appenders, ...racers]) expect(await ended).toEqual([0, null]);

    for (const { acknowledged } of appenders) expect(acknowledged()).toEqual(numbersTo(60));
    const raced = racers.flatMap(({ acknowledged }) => acknowledged());
    expect(raced.sort((a, b) => a - b)).toEqual(numbersTo(80));
    await vi.waitFor(() => expect(seen.length).toBe(260), PATIENCE);
    expect(seen.map(({ position }) => position)).toEqual(numbersTo(260));
  });

  test("what a writer was told is stored is there after it was killed", async () => {
    await using folder = await createTempDir();
    for (const round of [1, 2, 3]) {
      const path = folder.file(`killed-${round}.db`);
      const appender = startAppender({ driver, path, streamId: "a", count: 1_000_000 });
      await vi.waitFor(() => expect(appender.acknowledged().length).toBeGreaterThan(round * 50), PATIENCE);
      appender.process.kill("SIGKILL");
      await appender.ended;

      await using streams = await sqliteStreamFactory(path, { driver });
      const stream = await streams.openStream("a");
      const versions: number[] = [];
      for await (const { version } of stream.read()) versions.push(version);
      expect(versions).toEqual(numbersTo(versions.length));
      expect(versions.length).toBeGreaterThanOrEqual(appender.acknowledged().length);
      await expect(stream.write({ type: "After", data: null })).resolves.toMatchObject({ written: 1 });
    }
  });
});
