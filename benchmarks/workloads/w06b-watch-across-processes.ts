import { join } from "node:path";
import { makeEvent } from "../bench-event.js";
import { percentile } from "../statistics.js";
import type { Workload } from "../workload.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";
import { sleep } from "./sleep.js";
import { APPEND_EVERY_MS, LATENCY_APPENDS } from "./w06-watch-latency.js";

const COLD_APPENDS = 5;

/** Milliseconds on a clock that the machine's processes share. */
const sharedClockMs = (): number => performance.timeOrigin + performance.now();

export const watchAcrossProcesses: Workload = {
  id: "W6b",
  title: "from the call of write in one process to a watcher in another, an append every 20 ms",
  figures: [
    { name: "p50", unit: "ms", goal: { kind: "below", value: 5 } },
    { name: "p99", unit: "ms", goal: { kind: "below", value: 25 } },
  ],
  subjects: LIBRARY_SUBJECTS,
  async run(context) {
    const factory = await openFactory(context, join(context.folder, "store.db"));
    const stream = await factory.openStream("account");
    const delays: number[] = [];
    const wanted = LATENCY_APPENDS[context.size];
    const watched = (async () => {
      for await (const { version, data } of stream.watch({ after: 0 })) {
        const delayMs = sharedClockMs() - (data as { calledMs: number }).calledMs;
        if (version > COLD_APPENDS) delays.push(delayMs);
        if (delays.length === wanted) return;
      }
    })();
    await Promise.all([context.startHelper(), watched]);
    await factory[Symbol.asyncDispose]();
    return { p50: percentile(delays, 50), p99: percentile(delays, 99) };
  },
  async help(context) {
    const factory = await openFactory(context, join(context.folder, "store.db"));
    const stream = await factory.openStream("account");
    for (let number = 0; number < COLD_APPENDS + LATENCY_APPENDS[context.size]; number += 1) {
      await sleep(APPEND_EVERY_MS);
      const event = makeEvent(number);
      await stream.write({ ...event, data: { ...event.data, calledMs: sharedClockMs() } });
    }
    await factory[Symbol.asyncDispose]();
    return {};
  },
};
