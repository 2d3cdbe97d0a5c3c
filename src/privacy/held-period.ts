/** What part of its time a key is not used any more, because events that it has opened may still wait for their reader. */
const HELD_SHARE = 1 / 8;

/** Events are not read again more often than this, unless keys may be used for less. */
const MIN_HELD_MS = 50;

/** How long events may wait for their reader once they are open. */
function heldForMs(keyTtlMs: number): number {
  return Math.min(keyTtlMs, Math.max(MIN_HELD_MS, keyTtlMs * HELD_SHARE));
}

/** How long a key may be used since it was looked up, so that what it has opened is handed out within `keyTtlMs`. */
export function usableForMs(keyTtlMs: number): number {
  return keyTtlMs - heldForMs(keyTtlMs);
}

/** The number of a period. What was opened in another one is read again. Without a time for keys there is but one. */
export function heldPeriod(keyTtlMs: number, nowMs: number): number {
  return keyTtlMs === 0 ? 0 : Math.floor(nowMs / heldForMs(keyTtlMs));
}
