import { join } from "node:path";
import { makeEvent, makeEvents } from "../bench-event.js";
import type { Workload } from "../workload.js";
import { projectInWorker, WORKER_FIGURES } from "./project-in-worker.js";

const EVENTS = { small: 5_000, full: 200_000 };
const BATCH_EVENTS = 1_000;
const STREAMS = 20;

export const flowforgeWorker: Workload = {
  id: "S3",
  title: "FlowForge: the event loop's delay in the main process, while a worker projects 200,000 events",
  figures: WORKER_FIGURES,
  subjects: ["library"],
  isFlushFree: true,
  async run({ folder, size }) {
    // Only here: every process of the benchmarks loads this file, and W8 measures the memory of one.
    const { createDbContext } = await import("../../examples/flowforge/index.js");
    const db = await createDbContext({ path: join(folder, "flowforge.db"), backend: "sqlite" });
    for (let at = 0; at < EVENTS[size]; at += BATCH_EVENTS) {
      await using stream = await db.streams.openStream(`run:${(at / BATCH_EVENTS) % STREAMS}`);
      await stream.write(makeEvents(makeEvent, at, BATCH_EVENTS));
    }
    const figures = await projectInWorker(db.streams, join(folder, "read-models.db"), EVENTS[size]);
    await db.close();
    return figures;
  },
};
