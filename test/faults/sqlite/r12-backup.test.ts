import { mkdir, readdir } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { NodeProcess } from "../../support/node-process.js";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import { faultTest, type Laboratory, leftOut } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { inspectContents, SOUND } from "../support/inspect-contents.js";
import { type BackupRequest, makeBackup } from "../support/make-backup.js";
import { expectMarksAsOf, PositionMarks } from "../support/position-marks.js";
import { SmallDisk } from "../support/small-disk.js";
import { StoreReader } from "../support/store-reader.js";
import { makeLargeStore, StoreUnderLoad } from "../support/store-under-load.js";

const MOST_STEPS = 3;
const ROUNDS_OF_ONE_STORE = 6;
/** What ends each backup of a store. */
const ENDINGS = [undefined, "kill", "abort", "kill", "dispose", "kill"] as const;
const OUTCOMES = { nothing: "ok", abort: "aborted", dispose: "STREAM_CLOSED" } as const;

/** A file that has the name of a backup is all of the store up to a position, whoever looks. */
async function expectWhole(
  reader: StoreReader,
  source: string,
  target: string,
  atLeast: number,
  applicationTables: number,
): Promise<number> {
  const copy = await reader.read(target);
  expect(inspectContents(copy, [])).toEqual(SOUND);
  const last = copy.rows.at(-1)?.position ?? 0;
  expect(last).toBeGreaterThanOrEqual(atLeast);
  const { rows } = await reader.read(source);
  expect(copy.rows).toEqual(rows.filter(({ position }) => position <= last));
  await using streams = await sqliteStreamFactory(target);
  expect(await streams.verify()).toEqual({ ok: true, checkedEvents: last, applicationTables, problems: [] });
  return last;
}

/** Makes a backup that ends in one way or another. Afterwards there is one under the name only if it is whole. */
async function makeOne(request: BackupRequest, folder: string): Promise<string> {
  const outcome = await makeBackup(request);
  const endsBy = request.endsBy ?? "nothing";
  // The end may have come too late.
  if (outcome !== "ok") expect([endsBy, outcome]).toEqual([endsBy, OUTCOMES[endsBy]]);
  expect(await readdir(folder)).toEqual(outcome === "ok" ? ["copy.db"] : []);
  return `outcome ${outcome}`;
}

/** Kills a process while it makes a backup. What it leaves is not in the way of the next one. */
async function killOne(
  maker: NodeProcess,
  request: BackupRequest,
  folder: string,
  { random }: Laboratory,
): Promise<string> {
  maker.say(JSON.stringify(request));
  await maker.waitFor(() => maker.lines.length > request.afterSteps || maker.lines.includes("ok"));
  await delay(random() * 20);
  await maker.kill();
  if (maker.lines.includes("ok")) return "kills that came too late";
  if ((await readdir(folder)).includes("copy.db")) return "kills behind the naming";
  expect(await makeBackup(request)).toBe("ok");
  return "kills";
}

faultTest(
  "R12 a backup under load is whole or is not there, whatever ends it",
  { quick: 3, soak: 18 },
  async (laboratory) => {
    const { rounds, integer, count } = laboratory;
    await using reader = new StoreReader();
    for (let round = 0; round < rounds; ) {
      await using folder = await createTempDir();
      const path = folder.file("store.db");
      await makeLargeStore(path);
      const driver = DRIVER_NAMES[integer(0, DRIVER_NAMES.length - 1)] as DriverName;
      await using _marks = await PositionMarks.start(path, driver);
      await using load = new StoreUnderLoad(path, driver, integer(1, 4));
      let maker = startFixture("backup-maker.ts");
      await load.started();
      for (let turn = 0; turn < ROUNDS_OF_ONE_STORE && round < rounds; turn += 1, round += 1) {
        const backups = folder.file(`backups-${turn}`);
        await mkdir(backups);
        const target = `${backups}/copy.db`;
        const ending = ENDINGS[turn % ENDINGS.length];
        const endsBy = ending === "kill" ? undefined : ending;
        const request: BackupRequest = { path, target, driver, endsBy, afterSteps: integer(0, MOST_STEPS) };
        const acknowledged = Math.max(...load.acknowledged.map(({ position }) => position));
        if (ending === "kill") {
          count(await killOne(maker, request, backups, laboratory));
          maker = startFixture("backup-maker.ts");
        } else count(await makeOne(request, backups));
        if (!(await readdir(backups)).includes("copy.db")) continue;
        const position = await expectWhole(reader, path, target, acknowledged, 1);
        count("copied events", position);
        count("rows of the application", await expectMarksAsOf(position, path, target, driver));
      }
      await maker.kill();
      expect(await load.finish()).toEqual([0, 0, 0]);
      expect(inspectContents(await reader.read(path), load.acknowledged)).toEqual(SOUND);
      count("acknowledged writes", load.acknowledged.length);
    }
  },
);

const DISK_KIBIBYTES = 16_384;
const FULL = "R12 a backup to a full disk is refused, leaves nothing, and succeeds once there is room";
faultTest(FULL, { quick: 1, soak: 20 }, async ({ rounds, integer, count }) => {
  await using folder = await createTempDir();
  await using reader = new StoreReader();
  const path = folder.file("store.db");
  await makeLargeStore(path);
  await using streams = await sqliteStreamFactory(path);
  for (let round = 0; round < rounds; round += 1) {
    const mounted = SmallDisk.mount(folder.file(`disk-${round}`), DISK_KIBIBYTES);
    if ("why" in mounted) return leftOut(FULL, mounted.why);
    using disk = mounted;
    disk.occupy(DISK_KIBIBYTES - integer(4, 1_000));
    await expect(streams.backup(disk.file("copy.db"))).rejects.toMatchObject({ code: "STORAGE_FULL" });
    expect(await readdir(disk.path)).toEqual(["ballast"]);
    disk.free();
    await streams.backup(disk.file("copy.db"));
    count("copied events", await expectWhole(reader, path, disk.file("copy.db"), 1, 0));
    count("full disks");
  }
});
