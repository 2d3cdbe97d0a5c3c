import { makeEvent } from "../bench-event.js";
import { percentile } from "../statistics.js";
import type { Workload, WorkloadContext } from "../workload.js";
import { POSTGRES_SUBJECTS } from "./library-subjects.js";
import { databaseUrl, withDatabase } from "./postgres-database.js";
import { sleep } from "./sleep.js";
import { APPEND_EVERY_MS, LATENCY_APPENDS } from "./w06-watch-latency.js";

const COLD_APPENDS = 5;

/** How long the last events may be on their way. */
const DELIVERY_LIMIT_MS = 2_500;

/** Milliseconds on a clock that the machine's processes share. */
const sharedClockMs = (): number => performance.timeOrigin + performance.now();

export const postgresWatchLatency: Workload = {
  id: "P5",
  title: "from the call of an append in one process to a watcher in another, an append every 20 ms",
  base: "emmett-postgresql",
  figures: [
    { name: "p50", unit: "ms", goal: { kind: "below", value: 5 } },
    { name: "p99", unit: "ms" },
    { name: "append p50", unit: "ms" },
    { name: "not delivered", unit: "events" },
  ],
  subjects: POSTGRES_SUBJECTS,
  run: (context) => withDatabase(context, (url) => measureLatency(context, url)),
  async help(context) {
    const store = await context.subject.open(databaseUrl(context), context.durability);
    const tookMs: number[] = [];
    for (let version = 0; version < appendsOf(context); version += 1) {
      await sleep(APPEND_EVERY_MS);
      const event = makeEvent(version);
      const calledMs = sharedClockMs();
      // What the watcher is told of each event is its number: here the time of the call.
      await store.append("account", { ...event, data: { ...event.data, number: calledMs } }, version);
      tookMs.push(sharedClockMs() - calledMs);
    }
    await store.close();
    return { "append p50": percentile(tookMs.slice(COLD_APPENDS), 50) };
  },
};

const appendsOf = ({ size }: WorkloadContext): number => COLD_APPENDS + LATENCY_APPENDS[size];

async function measureLatency(context: WorkloadContext, url: string) {
  const { subject, durability } = context;
  const delays: number[] = [];
  const hear = (calledMs: number): void => {
    delays.push(sharedClockMs() - calledMs);
  };
  const stream = await subject.openWatched?.(url, durability, hear);
  if (stream === undefined) throw new Error(`${subject.name} has no way to watch`);
  const appended = await context.startHelper();
  const endMs = performance.now() + DELIVERY_LIMIT_MS;
  while (delays.length < appendsOf(context) && performance.now() < endMs) await sleep(1);
  await stream.close();
  const warm = delays.slice(COLD_APPENDS);
  return {
    ...appended,
    p50: percentile(warm, 50),
    p99: percentile(warm, 99),
    "not delivered": appendsOf(context) - delays.length,
  };
}
