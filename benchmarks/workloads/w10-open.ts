import { makeEvent } from "../bench-event.js";
import type { Workload } from "../workload.js";
import { FLOORS, LIBRARY_SUBJECTS } from "./library-subjects.js";
import { MILLION_SEED } from "./w08-memory.js";

export const openStore: Workload = {
  id: "W10",
  title: "open a store of 1,000,000 events, and append to a new stream",
  figures: [
    { name: "open, driver not loaded yet", unit: "ms", hasRatio: true, goal: { kind: "below", value: 20 } },
    { name: "first append", unit: "ms", hasRatio: true, goal: { kind: "below", value: 5 } },
    { name: "open again", unit: "ms", hasRatio: true },
    { name: "first append again", unit: "ms", hasRatio: true },
  ],
  subjects: [...FLOORS, ...LIBRARY_SUBJECTS],
  seeds: [MILLION_SEED],
  async run({ subject, durability, seedPath, uniqueName }) {
    const cold = await openAndAppend("cold");
    const warm = await openAndAppend("warm");
    return {
      "open, driver not loaded yet": cold.openMs,
      "first append": cold.appendMs,
      "open again": warm.openMs,
      "first append again": warm.appendMs,
    };

    async function openAndAppend(name: string) {
      const beganMs = performance.now();
      const store = await subject.open(seedPath(MILLION_SEED.name), durability);
      const openedMs = performance.now();
      await store.append(`${uniqueName}-${name}`, makeEvent(1), 0);
      const appendedMs = performance.now();
      await store.close();
      return { openMs: openedMs - beganMs, appendMs: appendedMs - openedMs };
    }
  },
};
