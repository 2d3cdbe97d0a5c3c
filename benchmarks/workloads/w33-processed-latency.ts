import { join } from "node:path";
import type { StreamFactory, TransactionalStreamFactory } from "async-streams";
import { runProjections, whenProcessed } from "async-streams/projections";
import { makeEvent } from "../bench-event.js";
import { percentile } from "../statistics.js";
import { countingProjection } from "../subjects/library-projections.js";
import type { SizeName, Workload } from "../workload.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";
import { sleep } from "./sleep.js";
import { APPEND_EVERY_MS, LATENCY_APPENDS } from "./w06-watch-latency.js";

const COLD_WRITES = 5;
const NAME = "changes";
const STOP_TYPE = "Stopped";

export const processedLatency: Workload = {
  id: "W33",
  title: "from the call of write to the end of whenProcessed, idle store, a write every 20 ms",
  figures: [
    { name: "p50", unit: "ms", goal: { kind: "below", value: 3 } },
    { name: "p99", unit: "ms" },
    { name: "p50, across processes", unit: "ms", goal: { kind: "below", value: 10 } },
    { name: "p99, across processes", unit: "ms" },
  ],
  subjects: LIBRARY_SUBJECTS,
  async run(context) {
    const streams = await openFactory(context, join(context.folder, "store.db"));
    const runner = await runProjections(streams, [countingProjection(NAME)]);
    const inProcess = await latenciesMs(streams, context.size);
    await runner[Symbol.asyncDispose]();
    const helped = context.startHelper();
    const across = await latenciesMs(streams, context.size);
    await (await streams.openStream("account")).write({ type: STOP_TYPE, data: {} });
    await helped;
    await streams[Symbol.asyncDispose]();
    return {
      p50: percentile(inProcess, 50),
      p99: percentile(inProcess, 99),
      "p50, across processes": percentile(across, 50),
      "p99, across processes": percentile(across, 99),
    };
  },
  async help(context) {
    const streams = await openFactory(context, join(context.folder, "store.db"));
    await using all = await streams.openStream("@all");
    await runProjections(streams, [countingProjection(NAME)]);
    for await (const { type } of all.watch({ after: 0 })) if (type === STOP_TYPE) break;
    await streams[Symbol.asyncDispose]();
    return {};
  },
};

async function latenciesMs(streams: StreamFactory, size: SizeName): Promise<number[]> {
  await using stream = await streams.openStream("account");
  const latencies: number[] = [];
  for (let number = 0; number < COLD_WRITES + LATENCY_APPENDS[size]; number += 1) {
    await sleep(APPEND_EVERY_MS);
    const calledMs = performance.now();
    const { position } = await stream.write(makeEvent(number));
    await whenProcessed(streams as TransactionalStreamFactory, NAME, position);
    if (number >= COLD_WRITES) latencies.push(performance.now() - calledMs);
  }
  return latencies;
}
