import { stat } from "node:fs/promises";
import { join } from "node:path";
import { applyRetention, type RetentionRule, type SQLiteStreamFactory } from "async-streams";
import { makeEvent, makeEvents } from "../bench-event.js";
import { percentile } from "../statistics.js";
import type { Workload } from "../workload.js";
import { appendBeside } from "./append-beside.js";
import { LIBRARY_SUBJECTS } from "./library-subjects.js";

const EVENTS = { small: 20_000, full: 10_000_000 };
const KEPT = { small: 2_000, full: 100_000 };
const BATCH_EVENTS = 100;

const CHURN = "churn";
const BESIDE = "beside";

export const churn: Workload = {
  id: "W21",
  title: "10,000,000 events through a stream that keeps 100,000, beside single appends (small: 20,000 through 2,000)",
  figures: [
    { name: "file by live", unit: "x", goal: { kind: "at most", value: 1.2 } },
    { name: "append p99", unit: "ms", goal: { kind: "below", value: 20 } },
    { name: "append p50", unit: "ms" },
    { name: "append longest", unit: "ms", isDetail: true },
    { name: "events", unit: "/s" },
    { name: "file", unit: "MB" },
  ],
  subjects: LIBRARY_SUBJECTS,
  async run({ subject, durability, size, folder }) {
    const [path, copy] = [join(folder, "store.db"), join(folder, "copy.db")];
    const store = await subject.open(path, durability);
    const streams = store.factory as SQLiteStreamFactory;
    const beganMs = performance.now();
    const latenciesMs = await appendBeside(streams, BESIDE, passThrough(streams, EVENTS[size], KEPT[size]));
    const seconds = (performance.now() - beganMs) / 1_000;
    // A copy has what is live, and no free page.
    await streams.backup(copy);
    await store.close();
    const [file, live] = [(await stat(path)).size, (await stat(copy)).size];
    return {
      "file by live": file / live,
      "append p99": percentile(latenciesMs, 99),
      "append p50": percentile(latenciesMs, 50),
      "append longest": percentile(latenciesMs, 100),
      events: EVENTS[size] / seconds,
      file: file / 1e6,
    };
  },
};

/** Writes events to one stream, and removes the oldest each time as many are there as are kept once more. */
async function passThrough(streams: SQLiteStreamFactory, events: number, kept: number): Promise<void> {
  const rules: readonly RetentionRule[] = [{ prefix: CHURN, maxEvents: kept }];
  const stream = await streams.openStream(CHURN);
  for (let first = 0; first < events; first += BATCH_EVENTS) {
    await stream.write(makeEvents(makeEvent, first, BATCH_EVENTS));
    if ((first + BATCH_EVENTS) % kept !== 0) continue;
    for await (const _ of applyRetention(streams, rules));
    await streams.reclaim();
  }
}
