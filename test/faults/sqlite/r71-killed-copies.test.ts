import { copyFile, rm } from "node:fs/promises";
import { expect } from "vitest";
import { type SQLiteStreamFactory, sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { countedUpTo } from "../../conformance/support/sample-events.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { contentsOf, fillRichly } from "../../unit/copy/support/rich-store.js";
import type { CopyingConfig } from "../fixtures/copying-process.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";

const EVENTS = 12_000;

interface CopyingResult {
  readonly statements: number;
  readonly copiedEvents: number;
}

/** Lets a process copy until it kills itself. @returns what it has done, if it came to its end */
async function copyIn(config: CopyingConfig): Promise<CopyingResult | undefined> {
  await using copying = startFixture("copying-process.ts", { args: [JSON.stringify(config)] });
  const { exitCode, stdout, stderr } = await copying.ended;
  if (exitCode === null) return undefined;
  expect([exitCode, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout) as CopyingResult;
}

/** Changes a store as an application does between two copies. */
async function changeStore(streams: SQLiteStreamFactory, round: number): Promise<void> {
  await using stream = await streams.openStream("many");
  await stream.write(countedUpTo(1_500));
  await streams.pruneStream("many", { before: stream.version - 100 * (1 + (round % 3)) });
  await stream.snapshot({ round }, { version: stream.version });
  await streams.transaction(({ records }) => records.put("space", "changed", { round }));
}

async function expectRefused(path: string): Promise<void> {
  await using streams = await sqliteStreamFactory(path);
  // Where it was killed before the first batch, the target is an empty store.
  const outcome = await streams.openStream("many").then(
    ({ version }) => version,
    (error: { readonly code: string }) => error.code,
  );
  expect(["STORAGE_COPY_UNFINISHED", 0]).toContain(outcome);
}

faultTest(
  "R71 a copy that is killed at any statement goes on when it is called again, and is what its source is",
  { quick: 1, soak: 60 },
  async ({ rounds, integer, count }) => {
    await using folder = await createTempDir();
    const original = folder.file("original.db");
    {
      await using streams = await sqliteStreamFactory(original);
      await fillRichly(streams);
      await (await streams.openStream("many")).write(countedUpTo(EVENTS));
    }
    let statements = 200;
    for (let round = 0; round < rounds; round += 1) {
      const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] as DriverName;
      const [source, target] = [folder.file("source.db"), folder.file("target.db")];
      await copyFile(original, source);
      // A first copy, and then what is new since.
      for (const part of ["copy", "update"] as const) {
        let result: CopyingResult | undefined;
        while (result === undefined) {
          result = await copyIn({ source, target, driver, killAt: integer(1, statements) });
          count(result === undefined ? `kills of a ${part}` : `complete ${part} calls`);
          if (result === undefined && part === "copy") await expectRefused(target);
        }
        statements = Math.max(statements, result.statements);
        await using from = await sqliteStreamFactory(source, { driver });
        await using to = await sqliteStreamFactory(target, { driver });
        expect(await contentsOf(to)).toEqual(await contentsOf(from));
        expect(await to.verify()).toMatchObject({ ok: true, problems: [] });
        if (part === "copy") await changeStore(from, round);
      }
      for (const path of [source, target]) {
        for (const ending of ["", "-wal", "-shm", "-head"]) await rm(`${path}${ending}`, { force: true });
      }
    }
  },
);
