import type { StreamFactory } from "async-streams";
import { event, typed } from "async-streams/events";
import type { BenchEvent } from "../bench-event.js";
import { median } from "../statistics.js";
import type { Workload } from "../workload.js";
import { LIBRARY_SUBJECTS, openFactory } from "./library-subjects.js";
import { LONG_STREAM, longStreamSeed } from "./long-stream.js";

const EVENTS = { small: 100_000, full: 1_000_000 };
const READS = { small: 15, full: 9 };
const SEED = longStreamSeed("typed", EVENTS);

type Data = BenchEvent["data"];

export const typedReads: Workload = {
  id: "W22",
  title: "a stream of 1,000,000 events is read with and without a catalogue of event types (small: 100,000)",
  figures: [
    { name: "typed by plain", unit: "x", goal: { kind: "at most", value: 1.03 } },
    { name: "upcast by plain", unit: "x" },
    { name: "plain", unit: "events/s" },
    { name: "typed", unit: "events/s" },
    { name: "upcast", unit: "events/s" },
  ],
  subjects: LIBRARY_SUBJECTS,
  isFlushFree: true,
  seeds: [SEED],
  async run(context) {
    const { size, seedPath } = context;
    const plain = await openFactory(context, seedPath(SEED.name));
    const current = typed(plain, { OrderPlaced: event<Data>() });
    const upcast = typed(plain, { OrderPlaced: event<Data>().next((data) => ({ ...data, currency: "EUR" })) });
    const [plainMs, typedMs, upcastMs] = await readTimesMs([plain, current, upcast], EVENTS[size], READS[size]);
    await plain[Symbol.asyncDispose]();
    const rate = (timeMs: number): number => (EVENTS[size] / timeMs) * 1_000;
    return {
      "typed by plain": typedMs / plainMs,
      "upcast by plain": upcastMs / plainMs,
      plain: rate(plainMs),
      typed: rate(typedMs),
      upcast: rate(upcastMs),
    };
  },
};

type Times = readonly [plain: number, typed: number, upcast: number];

/** Reads through each store in turns, so that a slow moment is the same for all. @returns the median of each */
async function readTimesMs(stores: readonly StreamFactory[], events: number, reads: number): Promise<Times> {
  const timesMs: number[][] = stores.map(() => []);
  for (let read = 0; read < reads; read += 1) {
    for (let turn = 0; turn < stores.length; turn += 1) {
      const at = (read + turn) % stores.length;
      timesMs[at]?.push(await readMs(stores[at] as StreamFactory, events));
    }
  }
  return timesMs.map(median) as unknown as Times;
}

async function readMs(store: StreamFactory, events: number): Promise<number> {
  await using stream = await store.openStream(LONG_STREAM);
  const beganMs = performance.now();
  let count = 0;
  for await (const _ of stream.read()) count += 1;
  if (count !== events) throw new Error(`read ${count} events of ${events}`);
  return performance.now() - beganMs;
}
