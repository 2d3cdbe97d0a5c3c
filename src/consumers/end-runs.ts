import { setTimeout as delay } from "node:timers/promises";
import { MAX_TIMER_MS } from "../limits.js";
import type { PartitionRun } from "./partition-run.js";

/** How long handlers that were aborted may take to settle. */
const ABORTED_MS = 1_000;

/** Has runs take no further event, waits for those under way, and aborts what takes longer. */
export async function endRuns(runs: readonly PartitionRun[], drainMs: number): Promise<void> {
  const drained = Promise.allSettled(runs.map((run) => run.drain()));
  if (await settlesWithin(drained, drainMs)) return;
  for (const run of runs) run.abort();
  await settlesWithin(drained, ABORTED_MS);
}

async function settlesWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  const timeout = new AbortController();
  try {
    return await Promise.race([
      work.then(() => true),
      delay(Math.min(MAX_TIMER_MS, limitMs), false, { signal: timeout.signal }).catch(() => false),
    ]);
  } finally {
    timeout.abort();
  }
}
