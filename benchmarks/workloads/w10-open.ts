import { makeEvent } from "../bench-event.js";
import type { Workload } from "../workload.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";
import { MILLION_SEED } from "./w08-memory.js";

export const openStore: Workload = {
  id: "W10",
  title: "open a factory on a store of 1,000,000 events, and append",
  figures: [
    { name: "open, driver not loaded yet", unit: "ms", goal: { kind: "below", value: 20 } },
    { name: "first append", unit: "ms", goal: { kind: "below", value: 5 } },
    { name: "open again", unit: "ms" },
    { name: "first append again", unit: "ms" },
  ],
  subjects: LIBRARY_SUBJECTS,
  seeds: [MILLION_SEED],
  async run(context) {
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
      const factory = await openFactory(context, context.seedPath(MILLION_SEED.name));
      const openedMs = performance.now();
      const stream = await factory.openStream(`${context.uniqueName}-${name}`);
      await stream.write(makeEvent(1), { expectedVersion: 0 });
      const appendedMs = performance.now();
      await factory[Symbol.asyncDispose]();
      return { openMs: openedMs - beganMs, appendMs: appendedMs - openedMs };
    }
  },
};
