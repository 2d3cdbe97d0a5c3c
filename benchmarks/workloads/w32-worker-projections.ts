import { join } from "node:path";
import type { Workload } from "../workload.js";
import { copyOfSeed } from "./accounts.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";
import { projectInWorker, WORKER_FIGURES } from "./project-in-worker.js";
import { MILLION, MILLION_SEED } from "./w08-memory.js";

export const workerProjections: Workload = {
  id: "W32",
  title: "the event loop's delay in the thread of the store, while a worker projects its 1,000,000 events",
  figures: WORKER_FIGURES,
  subjects: LIBRARY_SUBJECTS,
  isFlushFree: true,
  seeds: [MILLION_SEED],
  async run(context) {
    const streams = await openFactory(context, await copyOfSeed(context, MILLION_SEED.name));
    const models = join(context.folder, "read-models.db");
    const figures = await projectInWorker(streams, models, MILLION[context.size]);
    await streams[Symbol.asyncDispose]();
    return figures;
  },
};
