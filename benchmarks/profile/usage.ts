import { readFileSync } from "node:fs";

const NANOSECONDS_PER_MS = 1e6;

/** What the process has used since it began. */
export interface Usage {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly mainThreadCpuMs: number | null;
  readonly loopActiveMs: number;
}

export function currentUsage(): Usage {
  const { user, system } = process.cpuUsage();
  return {
    wallMs: performance.now(),
    cpuMs: (user + system) / 1_000,
    mainThreadCpuMs: mainThreadCpuMs(),
    loopActiveMs: performance.eventLoopUtilization().active,
  };
}

/** What was used between two moments. */
export function usageBetween(before: Usage, after: Usage): Usage {
  const isTold = before.mainThreadCpuMs !== null && after.mainThreadCpuMs !== null;
  return {
    wallMs: after.wallMs - before.wallMs,
    cpuMs: after.cpuMs - before.cpuMs,
    mainThreadCpuMs: isTold ? Number(after.mainThreadCpuMs) - Number(before.mainThreadCpuMs) : null,
    loopActiveMs: after.loopActiveMs - before.loopActiveMs,
  };
}

/** Linux tells it for each thread; the main thread has the number of the process. */
function mainThreadCpuMs(): number | null {
  try {
    const [nanoseconds] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
    return Number(nanoseconds) / NANOSECONDS_PER_MS;
  } catch {
    return null;
  }
}
