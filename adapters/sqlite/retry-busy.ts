import { setTimeout as delay } from "node:timers/promises";
import { isBusy } from "./sqlite-errors.js";

const FIRST_STEP_MS = 1;
const MAX_STEP_MS = 20;

/**
 * Tries again while another connection holds the lock, up to the time-out.
 *
 * The waiting is done here, in short steps, and not in SQLite, where it would hold one of the process's few pool
 * threads and stall file and DNS calls that have nothing to do with it. The jitter keeps processes that wait for one
 * lock from trying in step.
 */
export async function retryWhileBusy<T>(busyTimeoutMs: number, attempt: () => Promise<T>): Promise<T> {
  const deadlineMs = performance.now() + busyTimeoutMs;
  for (let stepMs = FIRST_STEP_MS; ; stepMs = Math.min(stepMs * 2, MAX_STEP_MS)) {
    try {
      return await attempt();
    } catch (error) {
      const leftMs = deadlineMs - performance.now();
      if (!isBusy(error) || leftMs <= 0) throw error;
      await delay(Math.min(stepMs * (0.5 + Math.random()), leftMs));
    }
  }
}
