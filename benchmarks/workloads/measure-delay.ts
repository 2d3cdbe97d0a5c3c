import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Figure } from "../workload.js";

const NANOSECONDS_PER_MS = 1e6;

export const DELAY_FIGURES: readonly Figure[] = [
  { name: "p99", unit: "ms", goal: { kind: "below", value: 10 } },
  { name: "p50", unit: "ms" },
  { name: "longest", unit: "ms" },
];

/** How late the event loop of this thread is while something goes on. */
export async function measureDelay(work: () => Promise<unknown>) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await work();
  delay.disable();
  return {
    p99: delay.percentile(99) / NANOSECONDS_PER_MS,
    p50: delay.percentile(50) / NANOSECONDS_PER_MS,
    longest: delay.max / NANOSECONDS_PER_MS,
  };
}
