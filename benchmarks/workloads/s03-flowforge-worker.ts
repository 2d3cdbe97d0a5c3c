import { join } from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { createDbContext } from "../../examples/flowforge/index.js";
import { startProjector } from "../../examples/flowforge/projector/start-projector.js";
import { makeEvent } from "../bench-event.js";
import type { Workload } from "../workload.js";

const EVENTS = { small: 5_000, full: 200_000 };
const BATCH_EVENTS = 1_000;
const STREAMS = 20;
const NANOSECONDS_PER_MS = 1e6;

export const flowforgeWorker: Workload = {
  id: "S3",
  title: "FlowForge: the event loop's delay in the main process, while a worker projects 200,000 events",
  figures: [
    { name: "p99", unit: "ms", goal: { kind: "below", value: 10 } },
    { name: "p50", unit: "ms" },
    { name: "longest", unit: "ms" },
    { name: "projected", unit: "events/s" },
  ],
  subjects: ["library"],
  isFlushFree: true,
  async run({ folder, size }) {
    const db = await createDbContext({ path: join(folder, "flowforge.db"), backend: "sqlite" });
    let position = 0;
    for (let at = 0; at < EVENTS[size]; at += BATCH_EVENTS) {
      await using stream = await db.streams.openStream(`run:${(at / BATCH_EVENTS) % STREAMS}`);
      const events = Array.from({ length: BATCH_EVENTS }, (_, offset) => makeEvent(at + offset));
      position = (await stream.write(events)).position;
    }
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const beganMs = performance.now();
    {
      await using projector = startProjector(db.streams, {
        path: join(folder, "read-models.db"),
        onChange: () => undefined,
      });
      await projector.whenProcessed(position);
    }
    const seconds = (performance.now() - beganMs) / 1_000;
    delay.disable();
    await db.close();
    return {
      p99: delay.percentile(99) / NANOSECONDS_PER_MS,
      p50: delay.percentile(50) / NANOSECONDS_PER_MS,
      longest: delay.max / NANOSECONDS_PER_MS,
      projected: EVENTS[size] / seconds,
    };
  },
};
