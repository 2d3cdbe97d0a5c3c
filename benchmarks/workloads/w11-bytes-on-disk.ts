import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeEmptyKeyedEvent, makeEvents } from "../bench-event.js";
import type { Workload } from "../workload.js";
import { FLOOR_AND_LIBRARY } from "./library-subjects.js";

const EVENTS = { small: 20_000, full: 1_000_000 };
const BATCH_EVENTS = 10_000;

export const bytesOnDisk: Workload = {
  id: "W11",
  title: "bytes on disk for an event with a key and empty data, after close, 1,000,000 of them",
  figures: [{ name: "size", unit: "B/event", hasRatio: true, goal: { kind: "at most", value: 75 } }],
  subjects: FLOOR_AND_LIBRARY,
  isFlushFree: true,
  async run({ subject, durability, folder, size }) {
    const store = await subject.open(join(folder, "store.db"), durability);
    for (let version = 0; version < EVENTS[size]; version += BATCH_EVENTS) {
      await store.appendBatch("account", makeEvents(makeEmptyKeyedEvent, version, BATCH_EVENTS), version);
    }
    await store.close();
    const files = await readdir(folder);
    const sizes = await Promise.all(files.map(async (file) => (await stat(join(folder, file))).size));
    return { size: sizes.reduce((sum, bytes) => sum + bytes, 0) / EVENTS[size] };
  },
};
