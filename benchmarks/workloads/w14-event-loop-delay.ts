import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { makeKeyedEvent } from "../bench-event.js";
import type { Workload } from "../workload.js";
import { LIBRARY_SUBJECTS } from "./library-subjects.js";
import { measureBatches, warmBatches } from "./w02-batches.js";

const NANOSECONDS_PER_MS = 1e6;

export const eventLoopDelay: Workload = {
  id: "W14",
  title: "the event loop's delay while W2 runs",
  figures: [
    { name: "p99", unit: "ms", goal: { kind: "below", value: 10 } },
    { name: "p50", unit: "ms" },
    { name: "longest", unit: "ms" },
  ],
  subjects: LIBRARY_SUBJECTS,
  async run({ subject, durability, folder, size }) {
    const store = await subject.open(join(folder, "store.db"), durability);
    const options = { make: makeKeyedEvent, size };
    await warmBatches(store, options);
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    await measureBatches(store, options);
    delay.disable();
    await store.close();
    return {
      p99: delay.percentile(99) / NANOSECONDS_PER_MS,
      p50: delay.percentile(50) / NANOSECONDS_PER_MS,
      longest: delay.max / NANOSECONDS_PER_MS,
    };
  },
};
