import { join } from "node:path";
import { makeKeyedEvent } from "../bench-event.js";
import type { Workload } from "../workload.js";
import { LIBRARY_SUBJECTS } from "./library-subjects.js";
import { DELAY_FIGURES, measureDelay } from "./measure-delay.js";
import { measureBatches, warmBatches } from "./w02-batches.js";

export const eventLoopDelay: Workload = {
  id: "W14",
  title: "the event loop's delay while W2 runs",
  figures: DELAY_FIGURES,
  subjects: LIBRARY_SUBJECTS,
  async run({ subject, durability, folder, size }) {
    const store = await subject.open(join(folder, "store.db"), durability);
    const options = { make: makeKeyedEvent, size };
    await warmBatches(store, options);
    const figures = await measureDelay(() => measureBatches(store, options));
    await store.close();
    return figures;
  },
};
