import type { StoredEvent } from "async-streams";
import type { Workload } from "../workload.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";
import { LONG_STREAM, longStreamSeed } from "./long-stream.js";

export const MILLION = { small: 50_000, full: 1_000_000 };
export const MILLION_SEED = longStreamSeed("million", MILLION);

const peakMB = (): number => process.resourceUsage().maxRSS / 1_024;

export const memory: Workload = {
  id: "W8",
  title: "the memory of a process that reads, then watches 1,000,000 events",
  figures: [
    { name: "peak while reading", unit: "MB", goal: { kind: "below", value: 120 } },
    { name: "peak, then watching", unit: "MB", goal: { kind: "below", value: 120 } },
    { name: "growth behind the first tenth", unit: "MB" },
    { name: "peak before", unit: "MB" },
    { name: "read rate", unit: "events/s" },
    { name: "watch rate", unit: "events/s" },
  ],
  subjects: LIBRARY_SUBJECTS,
  isFlushFree: true,
  seeds: [MILLION_SEED],
  async run(context) {
    const factory = await openFactory(context, context.seedPath(MILLION_SEED.name));
    const stream = await factory.openStream(LONG_STREAM);
    const count = MILLION[context.size];
    const before = peakMB();
    const read = await consume(stream.read(), count);
    const afterRead = peakMB();
    const watch = await consume(stream.watch({ after: 0 }), count);
    await factory[Symbol.asyncDispose]();
    return {
      "peak while reading": afterRead,
      "peak, then watching": peakMB(),
      "growth behind the first tenth": peakMB() - read.afterTenthMB,
      "peak before": before,
      "read rate": read.rate,
      "watch rate": watch.rate,
    };
  },
};

async function consume(events: AsyncIterable<StoredEvent>, count: number) {
  const beganMs = performance.now();
  let afterTenthMB = 0;
  let seen = 0;
  for await (const { version } of events) {
    seen += 1;
    if (version !== seen) throw new Error(`version ${version} came as event ${seen}`);
    if (seen === count / 10) afterTenthMB = peakMB();
    if (seen === count) break;
  }
  if (seen !== count) throw new Error(`${seen} events of ${count}`);
  return { afterTenthMB, rate: (count / (performance.now() - beganMs)) * 1_000 };
}
