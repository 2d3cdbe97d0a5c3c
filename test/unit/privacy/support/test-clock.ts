import type { Clock } from "../../../../src/privacy/clock.js";

/** A clock that stands still until a test lets time pass. */
export interface TestClock extends Clock {
  pass(durationMs: number): void;
  /** How many wait for it. */
  readonly waiting: number;
}

export function testClock(): TestClock {
  let nowMs = 0;
  const timers = new Set<{ readonly dueMs: number; readonly ring: () => void }>();
  return {
    get waiting() {
      return timers.size;
    },
    nowMs: () => nowMs,
    delay: (durationMs) => new Promise((ring) => timers.add({ dueMs: nowMs + durationMs, ring })),
    pass(durationMs) {
      nowMs += durationMs;
      for (const timer of timers) {
        if (timer.dueMs > nowMs) continue;
        timers.delete(timer);
        timer.ring();
      }
    },
  };
}
