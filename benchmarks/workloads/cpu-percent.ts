import { sleep } from "./sleep.js";

/** The share of one core that the whole process takes while it waits, in percent. */
export async function cpuPercent(timeMs: number): Promise<number> {
  // For some seconds after work V8 tidies up; that is no idle process yet.
  await sleep(timeMs);
  const before = process.cpuUsage();
  const beganMs = performance.now();
  await sleep(timeMs);
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1_000 / (performance.now() - beganMs)) * 100;
}
