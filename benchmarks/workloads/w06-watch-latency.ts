import { join } from "node:path";
import { makeNumberedEvent } from "../bench-event.js";
import { percentile } from "../statistics.js";
import type { Durability, Subject, WatchedStream } from "../subject.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { FLOORS, WATCHING_SUBJECTS } from "./library-subjects.js";
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
    { name: "ack p50", unit: "ms", hasRatio: true },
    { name: "ack p99", unit: "ms", hasRatio: true },
    { name: "not delivered", unit: "events" },
  ],
  subjects: [...FLOORS, ...WATCHING_SUBJECTS],
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
    const figures = {
      "ack p50": percentile(acknowledgements, 50),
      "ack p99": percentile(acknowledgements, 99),
    };
    if (!isWatched(context.subject)) return figures;
    return {
      ...figures,
      p50: percentile(delays, 50),
      p99: percentile(delays, 99),
      "not delivered": acknowledgements.length - delays.length,
    };
  },
};

const isWatched = (subject: Subject): boolean => subject.openWatched !== undefined;

async function appendAndHear({ subject, durability, folder }: WorkloadContext, last: number) {
  const calledMs = new Map<number, number>();
  const acknowledgedMs = new Map<number, number>();
  const heardMs = new Map<number, number>();
  const hear = (number: number): void => {
    if (!heardMs.has(number)) heardMs.set(number, performance.now());
  };
  const path = join(folder, "store.db");
  const stream =
    (await subject.openWatched?.(path, durability, hear)) ?? (await openUnwatched(subject, path, durability));
  for (let number = 1; number <= last; number += 1) {
    await sleep(APPEND_EVERY_MS);
    calledMs.set(number, performance.now());
    // Some peers lose appends while a consumer of theirs polls.
    while (!(await isAppended(stream.append(number)))) await sleep(1);
    acknowledgedMs.set(number, performance.now());
  }
  const endMs = performance.now() + DELIVERY_LIMIT_MS;
  while (isWatched(subject) && heardMs.size < last && performance.now() < endMs) await sleep(1);
  await stream.close();
  return { calledMs, acknowledgedMs, heardMs };
}

/** For the floors: nobody can hear of an event before it is stored, and that is the time that they take. */
async function openUnwatched(subject: Subject, path: string, durability: Durability): Promise<WatchedStream> {
  const store = await subject.open(path, durability);
  return {
    append: async (number) => store.append("account", makeNumberedEvent(number), number - 1),
    close: async () => store.close(),
  };
}

const isAppended = (append: Promise<void>): Promise<boolean> =>
  append.then(
    () => true,
    () => false,
  );
