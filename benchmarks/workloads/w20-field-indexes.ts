import { join } from "node:path";
import { type EventFilter, type IndexField, type Stream, type StreamFactory, sqliteStreamFactory } from "async-streams";
import { makeEvent } from "../bench-event.js";
import { median } from "../statistics.js";
import type { Seed, Workload, WorkloadContext } from "../workload.js";
import { LONG_STREAM } from "./long-stream.js";

const EVENTS = { small: 20_000, full: 1_000_000 };
const FOUND = 100;
const BATCH_EVENTS = 1_000;
const READS = { small: 3, full: 20 };
const BATCHES = { small: 5, full: 200 };

const RARE: EventFilter = [{ field: "type", op: "=", value: "Rare" }];
const FIELDS: readonly IndexField[] = ["type", "data.course"];

/** A stream in which an event is of another type now and then. */
const SEED: Seed = {
  name: "rare",
  async fill(store, size) {
    const isRare = (number: number): boolean => number % (EVENTS[size] / FOUND) === 0;
    for (let first = 0; first < EVENTS[size]; first += BATCH_EVENTS) {
      const events = Array.from({ length: BATCH_EVENTS }, (_, index) => {
        const event = makeEvent(first + index);
        return isRare(first + index) ? { ...event, type: "Rare" } : event;
      });
      await store.appendBatch(LONG_STREAM, events, first);
    }
  },
};

export const fieldIndexes: Workload = {
  id: "W20",
  title: "a filtered read of 100 among 1,000,000 events, and batches of 1,000, with and without indexes",
  figures: [
    { name: "@all, with", unit: "ms", goal: { kind: "below", value: 5 } },
    { name: "stream, with", unit: "ms", goal: { kind: "below", value: 5 } },
    { name: "@all, without", unit: "ms", hasRatio: true },
    { name: "building an index", unit: "ms" },
    { name: "append, without", unit: "us/event" },
    { name: "append, type", unit: "us/event" },
    { name: "append, type and data", unit: "us/event" },
  ],
  subjects: ["floor", "library", "act-sqlite"],
  seeds: [SEED],
  async run(context) {
    const { subject, durability, size, folder, seedPath } = context;
    if (subject.name !== "library") return { "@all, without": await readTypeMs(context) };
    const path = seedPath(SEED.name);
    const figures: Record<string, number> = {};
    {
      await using streams = await sqliteStreamFactory(path, { durability });
      figures["@all, without"] = await readMs(await streams.openStream("@all"), 3);
    }
    {
      const beganMs = performance.now();
      await using streams = await sqliteStreamFactory(path, { durability, indexes: ["type"] });
      figures["building an index"] = performance.now() - beganMs;
      figures["@all, with"] = await readMs(await streams.openStream("@all"), READS[size]);
      figures["stream, with"] = await readMs(await streams.openStream(LONG_STREAM), READS[size]);
    }
    const open = (count: number) =>
      sqliteStreamFactory(join(folder, `${count}.db`), { durability, indexes: FIELDS.slice(0, count) });
    await using none = await open(0);
    await using one = await open(1);
    await using two = await open(2);
    const [without = 0, type = 0, both = 0] = await appendTimesMs([none, one, two], BATCHES[size]);
    const perEvent = (timeMs: number): number => (timeMs * 1_000) / (BATCHES[size] * BATCH_EVENTS);
    figures["append, without"] = perEvent(without);
    figures["append, type"] = perEvent(type);
    figures["append, type and data"] = perEvent(both);
    return figures;
  },
};

/** What others take for the same read. */
async function readTypeMs({ subject, durability, size, seedPath }: WorkloadContext): Promise<number> {
  const store = await subject.open(seedPath(SEED.name), durability);
  const timesMs: number[] = [];
  for (let read = 0; read < READS[size]; read += 1) {
    const beganMs = performance.now();
    const count = await store.readType?.("Rare");
    timesMs.push(performance.now() - beganMs);
    if (count !== FOUND) throw new Error(`read ${count} events of ${FOUND}`);
  }
  await store.close();
  return median(timesMs);
}

async function readMs(stream: Stream, reads: number): Promise<number> {
  const timesMs: number[] = [];
  for (let read = 0; read < reads; read += 1) {
    const beganMs = performance.now();
    let count = 0;
    for await (const _ of stream.read({ filter: RARE })) count += 1;
    timesMs.push(performance.now() - beganMs);
    if (count !== FOUND) throw new Error(`read ${count} events of ${FOUND}`);
  }
  return median(timesMs);
}

/** Appends the same batches to each store, in turns, so that a slow moment is the same for all. */
async function appendTimesMs(stores: readonly StreamFactory[], batches: number): Promise<number[]> {
  const streams = await Promise.all(stores.map((store) => store.openStream(LONG_STREAM)));
  const timesMs = streams.map(() => 0);
  for (let batch = 0; batch < batches; batch += 1) {
    const events = Array.from({ length: BATCH_EVENTS }, (_, index) => scattered(batch * BATCH_EVENTS + index));
    for (let turn = 0; turn < streams.length; turn += 1) {
      const at = (batch + turn) % streams.length;
      const beganMs = performance.now();
      await streams[at]?.write(events);
      timesMs[at] = (timesMs[at] ?? 0) + performance.now() - beganMs;
    }
  }
  return timesMs;
}

/** An event with a value that comes in no order, as ids do. */
function scattered(number: number) {
  const event = makeEvent(number);
  return { ...event, data: { ...event.data, course: ((number * 2_654_435_761) % 2 ** 32).toString(36) } };
}
