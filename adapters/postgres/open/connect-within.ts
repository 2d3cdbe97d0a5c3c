import { ConnectionLostError } from "../client/client.js";

const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 500;

/** Whether there is time for another try before a moment. */
export function leavesTime(deadlineMs: number, waitMs: number = FIRST_WAIT_MS): boolean {
  return performance.now() + waitMs <= deadlineMs;
}

/** Tries until a moment, with growing pauses, while connections are lost or there is none to be had. */
export async function retryWhileLost<T>(deadlineMs: number, attempt: () => Promise<T>): Promise<T> {
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof ConnectionLostError) || !leavesTime(deadlineMs, waitMs)) throw error;
    }
    // Jittered, so that many processes do not come back at the same moment.
    await new Promise((resolve) => setTimeout(resolve, waitMs * (0.5 + Math.random() / 2)));
  }
}
