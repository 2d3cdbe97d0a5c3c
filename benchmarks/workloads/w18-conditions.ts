import { type EventFilter, sqliteStreamFactory } from "async-streams";
import { makeEvent } from "../bench-event.js";
import { median } from "../statistics.js";
import type { Seed, Workload } from "../workload.js";
import { LONG_STREAM } from "./long-stream.js";

const EVENTS = { small: 10_000, full: 200_000 };
const BEHIND = { small: [100, 5_000], full: [100, 100_000] };
const BATCH_EVENTS = 1_000;
const UNITS = { small: 3, full: 30 };
const NOTHING: EventFilter = [{ field: "type", op: "=", value: "Nothing" }];

const SEED: Seed = {
  name: "conditions",
  async fill(store, size) {
    for (let first = 0; first < EVENTS[size]; first += BATCH_EVENTS) {
      const events = Array.from({ length: BATCH_EVENTS }, (_, index) => makeEvent(first + index));
      await store.appendBatch(LONG_STREAM, events, first);
    }
  },
};

export const conditions: Workload = {
  id: "W18",
  title: "a write under a condition that looks at the last 100 and at the last 100,000 of 200,000 events",
  figures: [
    { name: "no condition", unit: "ms" },
    { name: "behind 100", unit: "ms" },
    { name: "behind 100,000", unit: "ms" },
    { name: "behind 100,000, with an index", unit: "ms" },
  ],
  subjects: ["library"],
  seeds: [SEED],
  async run({ durability, size, seedPath }) {
    const [few = 0, many = 0] = BEHIND[size];
    const path = seedPath(SEED.name);
    const measure = async (behind: number | undefined, isIndexed = false): Promise<number> => {
      await using streams = await sqliteStreamFactory(path, { durability, indexes: isIndexed ? ["type"] : [] });
      const timesMs: number[] = [];
      for (let unit = 0; unit < UNITS[size]; unit += 1) {
        const after = (await (await streams.openStream("@all")).metrics()).currentVersion - (behind ?? 0);
        const beganMs = performance.now();
        await streams.writeAll([{ streamId: "conditions", events: makeEvent(unit) }], {
          conditions: behind === undefined ? [] : { failIfEventsMatch: NOTHING, after },
        });
        timesMs.push(performance.now() - beganMs);
      }
      return median(timesMs);
    };
    return {
      "no condition": await measure(undefined),
      "behind 100": await measure(few),
      "behind 100,000": await measure(many),
      "behind 100,000, with an index": await measure(many, true),
    };
  },
};
