import { join } from "node:path";
import { makeEmptyKeyedEvent, makeEvents } from "../bench-event.js";
import { median } from "../statistics.js";
import type { Workload } from "../workload.js";
import { FLOOR_AND_LIBRARY } from "./library-subjects.js";

const EVENTS = { small: 20_000, full: 1_000_000 };
const BATCH_EVENTS = 10_000;
const RESTORES = 100;

export const millionEvents: Workload = {
  id: "W12",
  title: "py-event-sourcing's benchmark: 1,000,000 keyed events in batches of 10,000, replay, snapshot",
  figures: [
    { name: "write rate", unit: "events/s", hasRatio: true, goal: { kind: "at least", value: 200_000 } },
    { name: "replay rate", unit: "events/s", hasRatio: true, goal: { kind: "at least", value: 500_000 } },
    { name: "snapshot restore", unit: "ms", goal: { kind: "below", value: 1 } },
  ],
  subjects: FLOOR_AND_LIBRARY,
  async run({ subject, durability, folder, size }) {
    const store = await subject.open(join(folder, "store.db"), durability);
    let writingMs = 0;
    for (let version = 0; version < EVENTS[size]; version += BATCH_EVENTS) {
      const events = makeEvents(makeEmptyKeyedEvent, version, BATCH_EVENTS);
      const beganMs = performance.now();
      await store.appendBatch("account", events, version);
      writingMs += performance.now() - beganMs;
    }
    const replayBeganMs = performance.now();
    const count = await store.readAll("account");
    const replayMs = performance.now() - replayBeganMs;
    if (count !== EVENTS[size]) throw new Error(`read ${count} events of ${EVENTS[size]}`);
    const restores: number[] = [];
    if (store.factory !== undefined) {
      const stream = await store.factory.openStream("account");
      await stream.snapshot({ count });
      for (let restore = 0; restore < RESTORES; restore += 1) {
        const beganMs = performance.now();
        await stream.loadSnapshot();
        restores.push(performance.now() - beganMs);
      }
    }
    await store.close();
    return {
      "write rate": (count / writingMs) * 1_000,
      "replay rate": (count / replayMs) * 1_000,
      "snapshot restore": median(restores),
    };
  },
};
