import { setTimeout as delay } from "node:timers/promises";
import { isBusy } from "./sqlite-errors.js";

const FIRST_STEP_MS = 1;
const MAX_STEP_MS = 20;

/**
 * Counts the time during which other connections held the lock that calls of this store waited for, and says which of
 * the calls have waited long enough.
 *
 * Calls that share a connection wait for the lock one after the other. The clock stops while the connection works. So a
 * call is charged for every wait for the lock since it was made, including the wait of an earlier call, and never for a
 * long queue or a slow disk.
 */
export class LockClock {
  readonly #busyTimeoutMs: number;
  #elapsedMs = 0;
  /** How many calls are pausing, and since when there have been some. */
  #pausing = 0;
  #pausingSinceMs = 0;

  constructor(busyTimeoutMs: number) {
    this.#busyTimeoutMs = busyTimeoutMs;
  }

  /** The moment on this clock at which a call that is made now gives up. */
  deadline(): number {
    return this.#now() + this.#busyTimeoutMs;
  }

  isPast(deadline: number): boolean {
    return this.#now() >= deadline;
  }

  /**
   * Attempts something once, and again while another connection holds the lock, up to the deadline.
   *
   * The waiting is done here, in short steps, and not in SQLite, where it would hold one of the process's few pool
   * threads and stall file and DNS calls that have nothing to do with it. The jitter keeps processes that wait for one
   * lock from trying in step.
   *
   * @param assertWanted - throws once nobody wants the result
   */
  async retryWhileBusy<T>(deadline: number, attempt: () => Promise<T>, assertWanted?: () => void): Promise<T> {
    for (let stepMs = FIRST_STEP_MS; ; stepMs = Math.min(stepMs * 2, MAX_STEP_MS)) {
      try {
        return await attempt();
      } catch (error) {
        // What the caller gave up with may look like a lock that is held.
        assertWanted?.();
        const leftMs = deadline - this.#now();
        if (!isBusy(error) || leftMs <= 0) throw error;
        await this.#pause(Math.min(stepMs * (0.5 + Math.random()), leftMs));
      }
    }
  }

  async #pause(durationMs: number): Promise<void> {
    if (this.#pausing === 0) this.#pausingSinceMs = performance.now();
    this.#pausing += 1;
    await delay(durationMs);
    this.#pausing -= 1;
    if (this.#pausing === 0) this.#elapsedMs += performance.now() - this.#pausingSinceMs;
  }

  #now(): number {
    return this.#elapsedMs + (this.#pausing === 0 ? 0 : performance.now() - this.#pausingSinceMs);
  }
}

/** Attempts something that nothing else waits for, and again while another connection holds the lock. */
export function retryWhileBusy<T>(busyTimeoutMs: number, attempt: () => Promise<T>): Promise<T> {
  const clock = new LockClock(busyTimeoutMs);
  return clock.retryWhileBusy(clock.deadline(), attempt);
}
