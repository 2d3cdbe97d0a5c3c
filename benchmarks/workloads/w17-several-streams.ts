import { join } from "node:path";
import { sqliteStreamFactory } from "async-streams";
import { makeEvent } from "../bench-event.js";
import type { Workload } from "../workload.js";

const STREAM_IDS: readonly string[] = ["stock", "order", "customer"];
const UNITS = { small: 20, full: 500 };

export const severalStreams: Workload = {
  id: "W17",
  title: "an event for each of 3 streams: writeAll against 3 writes, awaited",
  figures: [
    { name: "writeAll", unit: "units/s" },
    { name: "3 writes", unit: "units/s" },
  ],
  subjects: ["library"],
  async run({ durability, folder, size }) {
    await using streams = await sqliteStreamFactory(join(folder, "store.db"), { durability });
    const handles = await Promise.all(STREAM_IDS.map((streamId) => streams.openStream(streamId)));
    const timesMs = { together: 0, apart: 0 };
    // In turns, so that a slow moment is the same for both.
    for (let unit = 0; unit < UNITS[size]; unit += 1) {
      const beganMs = performance.now();
      await streams.writeAll(STREAM_IDS.map((streamId) => ({ streamId, events: makeEvent(unit) })));
      const betweenMs = performance.now();
      for (const handle of handles) await handle.write(makeEvent(unit));
      timesMs.together += betweenMs - beganMs;
      timesMs.apart += performance.now() - betweenMs;
    }
    const rateOf = (timeMs: number): number => (UNITS[size] / timeMs) * 1_000;
    return { writeAll: rateOf(timesMs.together), "3 writes": rateOf(timesMs.apart) };
  },
};
