import { setTimeout as delay } from "node:timers/promises";

/** The time by which keys grow old: only how much of it passes matters. */
export interface Clock {
  nowMs(): number;
  delay(durationMs: number): Promise<void>;
}

export const SYSTEM_CLOCK: Clock = { nowMs: () => performance.now(), delay: (durationMs) => delay(durationMs) };
