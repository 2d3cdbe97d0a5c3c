import { copyFile } from "node:fs/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { RemovingConfig } from "../fixtures/removing-process.js";
import { faultTest } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import {
  expectRemoved,
  expectWholeStream,
  fillForRemoval,
  REMOVALS,
  type RemovalKind,
  remove,
} from "../support/removal.js";

/** Lets a process remove events until it kills itself. @returns how many statements it made, if it came to its end */
async function removeIn(config: RemovingConfig): Promise<number | undefined> {
  await using removing = startFixture("removing-process.ts", { args: [JSON.stringify(config)] });
  const { exitCode, stdout, stderr } = await removing.ended;
  if (exitCode === null) return undefined;
  expect([exitCode, stderr]).toEqual([0, ""]);
  return Number(stdout);
}

faultTest(
  "R40 a prune or a deletion that is killed at any statement leaves a sound store, and a second call finishes it",
  { quick: 6, soak: 180 },
  async ({ rounds, integer, count }) => {
    await using folder = await createTempDir();
    const source = folder.file("source.db");
    {
      await using streams = await sqliteStreamFactory(source);
      await fillForRemoval(streams);
    }
    const statements = new Map<RemovalKind, number>();
    for (let round = 0; round < rounds; round += 1) {
      const kind = REMOVALS[round % REMOVALS.length] as RemovalKind;
      const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] as DriverName;
      const path = folder.file(`round-${round}.db`);
      await copyFile(source, path);
      // Every statement has its turn in a long run, and chance chooses some in a short one.
      const known = statements.get(kind);
      const turn = Math.floor(round / REMOVALS.length);
      const killAt = known === undefined ? 0 : rounds > known * REMOVALS.length ? turn : integer(1, known);
      const made = await removeIn({ path, driver, kind, killAt });
      if (made !== undefined && killAt === 0) statements.set(kind, made);
      count(made === undefined ? "kills" : "removals that came to their end");

      await using streams = await sqliteStreamFactory(path, { driver });
      const first = await expectWholeStream(streams);
      if (made === undefined && first > 1) count("kills between two steps");
      expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
      await remove(streams, kind);
      await expectRemoved(streams, kind);
      expect(await streams.verify()).toMatchObject({ ok: true, problems: [] });
    }
  },
);
