/** Timers may fire a little early: a moment that is so near, as a share of the interval, has been. */
const EARLY_SHARE = 0.1;

/**
 * How long it is to the next moment at which leases are renewed, in milliseconds. All leases of a process with the same
 * interval have the same moments, so that their renewals share commits.
 */
export function untilNextRenewalMs(intervalMs: number): number {
  const leftMs = intervalMs - (performance.now() % intervalMs);
  return leftMs < intervalMs * EARLY_SHARE ? leftMs + intervalMs : leftMs;
}
