import { setTimeout as delay } from "node:timers/promises";

/** How long a command waits at most before its second attempt, its third, and so on; the last one holds for all later ones. */
const PAUSES_MS = [0, 5, 10, 20] as const;

/**
 * How long to wait before an attempt: somewhere in the upper half of the pause, so that those who lost together do not come
 * back together.
 *
 * @param attempt - from 2
 * @param random - from 0 to 1
 */
export function pauseBefore(attempt: number, random: number): number {
  const longestMs = PAUSES_MS[Math.min(attempt - 2, PAUSES_MS.length - 1)] as number;
  return longestMs * (0.5 + random / 2);
}

/** Waits before an attempt. @throws the signal's reason */
export async function pause(attempt: number, signal: AbortSignal | undefined): Promise<void> {
  const pauseMs = pauseBefore(attempt, Math.random());
  // What it rejects with is not the signal's reason.
  if (pauseMs > 0) await delay(pauseMs, undefined, { signal }).catch(() => undefined);
  signal?.throwIfAborted();
}
