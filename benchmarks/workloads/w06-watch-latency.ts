import { join } from "node:path";
import { percentile } from "../statistics.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { WATCHING_SUBJECTS } from "./library-subjects.js";
import { sleep } from "./sleep.js";

export const APPEND_EVERY_MS = 20;
export const LATENCY_APPENDS = { small: 25, full: 250 };

/** The first appends find the watch on its way and the code cold, and are left out. */
const COLD_APPENDS = 5;

/** How long the last events may be on their way. */
const DELIVERY_LIMIT_MS = 2_500;

export const watchLatency: Workload = {
  id: "W6",
  title: "from the call of write to a watcher of the same process, idle store, an append every 20 ms",
  figures: [
    { name: "p50", unit: "ms", goal: { kind: "below", value: 1 } },
    { name: "p99", unit: "ms", goal: { kind: "below", value: 5 } },
    { name: "ack p50", unit: "ms" },
    { name: "ack p99", unit: "ms", isDetail: true },
    { name: "not delivered", unit: "events" },
  ],
  subjects: WATCHING_SUBJECTS,
  async run(context) {
    const last = COLD_APPENDS + LATENCY_APPENDS[context.size];
    const { calledMs, acknowledgedMs, heardMs } = await appendAndHear(context, last);
    const delays: number[] = [];
    const acknowledgements: number[] = [];
    for (let number = COLD_APPENDS + 1; number <= last; number += 1) {
      const called = calledMs.get(number) ?? Number.NaN;
      acknowledgements.push((acknowledgedMs.get(number) ?? Number.NaN) - called);
      const heard = heardMs.get(number);
      if (heard !== undefined) delays.push(heard - called);
    }
    return {
      p50: percentile(delays, 50),
      p99: percentile(delays, 99),
      "ack p50": percentile(acknowledgements, 50),
      "ack p99": percentile(acknowledgements, 99),
      "not delivered": acknowledgements.length - delays.length,
    };
  },
};

async function appendAndHear({ subject, durability, folder }: WorkloadContext, last: number) {
  const calledMs = new Map<number, number>();
  const acknowledgedMs = new Map<number, number>();
  const heardMs = new Map<number, number>();
  const hear = (number: number): void => {
    if (!heardMs.has(number)) heardMs.set(number, performance.now());
  };
  const stream = await subject.openWatched?.(join(folder, "store.db"), durability, hear);
  if (stream === undefined) throw new Error(`${subject.name} has no way to watch`);
  for (let number = 1; number <= last; number += 1) {
    await sleep(APPEND_EVERY_MS);
    calledMs.set(number, performance.now());
    // Some peers lose appends while a consumer of theirs polls.
    while (!(await isAppended(stream.append(number)))) await sleep(1);
    acknowledgedMs.set(number, performance.now());
  }
  const endMs = performance.now() + DELIVERY_LIMIT_MS;
  while (heardMs.size < last && performance.now() < endMs) await sleep(1);
  await stream.close();
  return { calledMs, acknowledgedMs, heardMs };
}

const isAppended = (append: Promise<void>): Promise<boolean> =>
  append.then(
    () => true,
    () => false,
  );
