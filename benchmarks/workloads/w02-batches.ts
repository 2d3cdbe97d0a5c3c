import { join } from "node:path";
import { type BenchEvent, makeEvent, makeEvents, makeKeyedEvent } from "../bench-event.js";
import type { Store } from "../subject.js";
import type { FigureValues, Goal, SizeName, Workload, WorkloadContext } from "../workload.js";
import { APPEND_LIMIT_MS } from "./append-loop.js";

const BATCH_EVENTS = 1_000;
const BATCHES = { small: 10, full: 200 };
const WARM_BATCHES = 10;

interface BatchOptions {
  readonly make: (number: number) => BenchEvent;
  readonly size: SizeName;
}

/** Fills a stream that is thrown away, so that what is measured is not cold code. */
export async function warmBatches(store: Store, options: BatchOptions): Promise<void> {
  await appendBatches(store, "warm", WARM_BATCHES, options);
}

/** Batches one after the other on one stream. */
export async function measureBatches(store: Store, options: BatchOptions): Promise<FigureValues> {
  return appendBatches(store, "account", BATCHES[options.size], options);
}

/** The events are made outside of the time that counts. */
async function appendBatches(store: Store, streamId: string, batches: number, { make, size }: BatchOptions) {
  let appendingMs = 0;
  let version = 0;
  while (version < batches * BATCH_EVENTS && appendingMs < APPEND_LIMIT_MS[size]) {
    const events = makeEvents(make, version, BATCH_EVENTS);
    store.prepareBatch?.(streamId, events, version);
    const beganMs = performance.now();
    await store.appendBatch(streamId, events, version);
    appendingMs += performance.now() - beganMs;
    version += BATCH_EVENTS;
  }
  return { rate: (version / appendingMs) * 1_000 };
}

async function run({ subject, durability, folder, size }: WorkloadContext, make: BatchOptions["make"]) {
  const store = await subject.open(join(folder, "store.db"), durability);
  await warmBatches(store, { make, size });
  const figures = await measureBatches(store, { make, size });
  await store.close();
  return figures;
}

const rateWith = (goal: Goal) => [{ name: "rate", unit: "events/s", hasRatio: true, goal }];

export const keyedBatches: Workload = {
  id: "W2",
  title: "batches of 1,000 on one stream, with idempotency keys",
  figures: rateWith({ kind: "ratio", atLeast: { normal: 1, full: 1 } }),
  run: (context) => run(context, makeKeyedEvent),
};

export const plainBatches: Workload = {
  id: "W2u",
  title: "batches of 1,000 on one stream, without keys",
  figures: rateWith({ kind: "ratio", atLeast: { normal: 1.3, full: 1.3 } }),
  run: (context) => run(context, makeEvent),
};
