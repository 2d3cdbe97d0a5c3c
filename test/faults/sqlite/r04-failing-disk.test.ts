import { expect } from "vitest";
import { createTempDir } from "../../support/temp-dir.js";
import { type DiskFault, FAULT_KINDS } from "../support/disk-fault.js";
import { faultTest, type Laboratory, leftOut } from "../support/fault-test.js";
import { FaultyDisk } from "../support/faulty-disk.js";

const ERRORS = ["EIO", "ENOSPC"] as const;
const FOREVER = 1_000_000_000;

/** Every call of these kinds, failing once and from there on. */
async function planFaults(
  disk: FaultyDisk,
  kinds: readonly DiskFault["kind"][],
  isAtCheckpoint: boolean,
): Promise<DiskFault[]> {
  const plan: DiskFault[] = [];
  for (const kind of kinds) {
    const { count } = await disk.meet({ kind, first: FOREVER, times: 1, error: "EIO" }, isAtCheckpoint);
    expect(count).toBeGreaterThan(0);
    for (let first = 1; first <= count; first += 1) {
      for (const error of ERRORS) for (const times of [1, FOREVER]) plan.push({ kind, first, times, error });
    }
  }
  return plan;
}

/** Meets the faults of the plan: all of them where there are rounds enough, otherwise some. */
async function meetFaults(
  { rounds, random, count }: Laboratory,
  disk: FaultyDisk,
  plan: readonly DiskFault[],
  isAtCheckpoint: boolean,
): Promise<void> {
  const isWhole = rounds >= plan.length;
  for (let round = 0; round < rounds; round += 1) {
    const fault = plan[isWhole ? round % plan.length : Math.floor(random() * plan.length)] as DiskFault;
    const { acknowledged, refused, hits } = await disk.meet(fault, isAtCheckpoint);
    count("faults", hits > 0 ? 1 : 0);
    count("acknowledged writes", acknowledged.length);
    count("refused writes", refused.length);
    if (acknowledged.some(({ batch }) => batch === "afterwards")) count("stores that went on without being reopened");
  }
  count("different faults", Math.min(plan.length, rounds));
}

const ANY_CALL = "R4 whichever call to the disk fails, the error says so, and what was acknowledged is there";
faultTest(ANY_CALL, { quick: 12, soak: 250 }, async (laboratory) => {
  await using folder = await createTempDir();
  const started = await FaultyDisk.start(folder.path);
  if ("why" in started) return leftOut(ANY_CALL, started.why);
  await using disk = started;
  await meetFaults(laboratory, disk, await planFaults(disk, FAULT_KINDS, false), false);
});

// Folding in the log makes about a thousand writes, which fail in the same way.
const RARE_KINDS = ["sync", "open", "truncate"] as const;
const CHECKPOINT_WRITES = 1_000;

const CHECKPOINT = "R4 a disk that fails while the log is checkpointed takes nothing that was acknowledged";
faultTest(CHECKPOINT, { quick: 4, soak: 50 }, async (laboratory) => {
  await using folder = await createTempDir();
  const started = await FaultyDisk.start(folder.path);
  if ("why" in started) return leftOut(CHECKPOINT, started.why);
  await using disk = started;
  const plan = await planFaults(disk, RARE_KINDS, true);
  for (const error of ERRORS) {
    for (let sample = 0; sample < 20; sample += 1) {
      plan.push({ kind: "write", first: laboratory.integer(1, CHECKPOINT_WRITES), times: 1, error });
    }
  }
  await meetFaults(laboratory, disk, plan, true);
});
