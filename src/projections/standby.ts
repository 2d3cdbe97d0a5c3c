import { setTimeout as delay } from "node:timers/promises";
import { untilNextRenewalMs } from "../leases/renewal-beat.js";
import type { BuildContext } from "./batch-projector.js";
import type { BuildCheckpoint } from "./build-checkpoint.js";
import type { BuildLease } from "./build-lease.js";

/** How often a lease that another process has is looked at: the other says to nobody that it has stopped. */
const INTERVAL_MS = 100;

/** The same where each look is a transaction. */
const TRANSACTION_INTERVAL_MS = 500;

/** Waits for the lease that another process has, until it may be free, or until the signal is aborted. */
export async function standBy(
  { model, settings: { leaseMs } }: BuildContext,
  lease: BuildLease,
  checkpoint: BuildCheckpoint,
  signal: AbortSignal,
): Promise<void> {
  const intervalMs = model.committed === undefined ? TRANSACTION_INTERVAL_MS : INTERVAL_MS;
  const untilMs = performance.now() + Math.min(leaseMs / 3, lease.freeInMs);
  do {
    const pauseMs = untilNextRenewalMs(Math.min(leaseMs / 3, intervalMs));
    await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    // What fails now fails again where the lease is taken, which says so.
    if (signal.aborted || (await checkpoint.mayTake().catch(() => true))) return;
  } while (performance.now() < untilMs);
}
