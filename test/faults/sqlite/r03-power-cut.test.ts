import { mkdir, realpath, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { DRIVER_NAMES, type DriverName } from "../../support/sqlite-drivers.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { RecordedWriterConfig } from "../fixtures/recorded-writer.js";
import type { Acknowledgement } from "../support/batches.js";
import { compileShim } from "../support/compile-shim.js";
import { type DiskRecord, readDiskLog } from "../support/disk-log.js";
import { faultTest, type Laboratory, leftOut } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { type Findings, inspectContents, SOUND } from "../support/inspect-contents.js";
import { type PowerCut, SimulatedDisk } from "../support/simulated-disk.js";
import { StoreReader } from "../support/store-reader.js";

const SHAPE = { streams: 4, maxEvents: 5, maxFillerBytes: 2_000 };
const CUTS: readonly PowerCut[] = ["dropped", "halved", "torn"];
const ACKNOWLEDGEMENTS = "acknowledgements";
const FIRST_RECORDS = 100;
const STATES_OF_SHORT_LOG = 75;
const STATES_OF_LONG_LOG = 30;

/** Records a writer's disk; null where the machine cannot. */
async function recordWriter(
  name: string,
  folder: string,
  { driver, durability, endsLong }: Pick<RecordedWriterConfig, "driver" | "durability" | "endsLong">,
): Promise<DiskRecord[] | null> {
  const shim = compileShim("recorder", join(folder, "recorder.so"));
  if ("why" in shim) {
    leftOut(name, shim.why);
    return null;
  }
  // SQLite opens files by their real paths.
  const disk = join(await realpath(folder), "disk");
  const log = join(folder, "disk.log");
  await mkdir(disk);
  const config: RecordedWriterConfig = {
    path: join(disk, "store.db"),
    acknowledgementsPath: join(disk, ACKNOWLEDGEMENTS),
    driver,
    durability,
    sessions: 4,
    clients: 3,
    batches: 25,
    shape: SHAPE,
    endsLong,
  };
  await using writer = startFixture("recorded-writer.ts", {
    args: [JSON.stringify(config)],
    env: { ...shim.env, DISK_FOLDER: disk, DISK_LOG: log },
  });
  expect(await writer.finish()).toBe(0);
  return readDiskLog(log);
}

/** Cuts the power at random moments, and lets another process go on with what is left each time. */
async function cutPower(
  { random, integer, count }: Laboratory,
  log: readonly DiskRecord[],
  states: number,
  folder: string,
  onFindings: (findings: Findings) => void,
): Promise<void> {
  await using reader = new StoreReader();
  const disk = new SimulatedDisk();
  const acknowledged: Acknowledgement[] = [];
  // One in five is near the beginning, where the store is made.
  const moment = (): number => integer(0, random() < 0.2 ? FIRST_RECORDS : log.length);
  const moments = Array.from({ length: states }, moment).sort((a, b) => a - b);
  let applied = 0;
  for (const [state, end] of moments.entries()) {
    for (; applied < end; applied += 1) {
      const record = log[applied] as DiskRecord;
      disk.apply(record);
      if (record.name !== ACKNOWLEDGEMENTS || record.operation !== "write") continue;
      acknowledged.push(JSON.parse(record.data.toString()) as Acknowledgement);
    }
    const files = disk.afterCut(CUTS[state % CUTS.length] as PowerCut, random);
    const left = join(folder, `state-${state}`);
    await mkdir(left);
    // The memory that the processes shared is gone.
    for (const [name, content] of files) if (!name.endsWith("-shm")) await writeFile(join(left, name), content);
    const contents = await reader.read(join(left, "store.db"), random() < 0.8 ? `after-${state}` : undefined);
    onFindings(inspectContents(contents, acknowledged));
    await rm(left, { recursive: true });
    count("states");
  }
  count("acknowledged writes", acknowledged.length);
}

const FULL = 'R3 a power cut takes nothing that was acknowledged under durability "full"';
faultTest(FULL, { quick: 36, soak: 600 }, async (laboratory) => {
  let states = 0;
  for (let left = laboratory.rounds, index = 0; left > 0; left -= states, index += 1) {
    const driver = DRIVER_NAMES[index % DRIVER_NAMES.length] as DriverName;
    const endsLong = index % 3 === 1;
    states = Math.min(left, endsLong ? STATES_OF_LONG_LOG : STATES_OF_SHORT_LOG);
    await using folder = await createTempDir();
    const log = await recordWriter(FULL, folder.path, { driver, durability: "full", endsLong });
    if (log === null) return;
    await cutPower(laboratory, log, states, folder.path, (findings) => expect(findings).toEqual(SOUND));
  }
});

const NORMAL = 'R3 a power cut takes the newest writes under durability "normal", and leaves no part of one';
faultTest(NORMAL, { quick: 30, soak: 250 }, async (laboratory) => {
  await using folder = await createTempDir();
  const log = await recordWriter(NORMAL, folder.path, { driver: "sqlite3", durability: "normal", endsLong: false });
  if (log === null) return;
  let losses = 0;
  await cutPower(laboratory, log, laboratory.rounds, folder.path, ({ lost, reported, broken }) => {
    expect(broken).toEqual([]);
    if (lost.length > 0) losses += 1;
    if (reported.length > 0) laboratory.count("states with a loss that verify reports");
  });
  // Were nothing lost here, the test above would prove nothing.
  expect(losses).toBeGreaterThan(0);
  laboratory.count("states with a loss", losses);
});
