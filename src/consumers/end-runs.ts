import { settlesWithin } from "../watch/settles-within.js";
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
