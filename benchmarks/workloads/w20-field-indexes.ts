import { type EventFilter, type IndexField, type Stream, type StreamFactory, sqliteStreamFactory } from "async-streams";
import { makeEvent } from "../bench-event.js";
import { median } from "../statistics.js";
import type { Seed, Workload } from "../workload.js";
import { LONG_STREAM } from "./long-stream.js";

const EVENTS = { small: 20_000, full: 1_000_000 };
const FOUND = 100;
const BATCH_EVENTS = 1_000;
const READS = { small: 3, full: 20 };
const APPENDS = { small: 200, full: 5_000 };

const RARE: EventFilter = [{ field: "type", op: "=", value: "Rare" }];
const FIELDS: readonly IndexField[] = ["type", "data.order"];

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
  title: "a filtered read of 100 among 1,000,000 events, and single appends, with and without indexes",
  figures: [
    { name: "@all, with", unit: "ms", goal: { kind: "below", value: 5 } },
    { name: "stream, with", unit: "ms", goal: { kind: "below", value: 5 } },
    { name: "@all, without", unit: "ms" },
    { name: "building an index", unit: "ms" },
    { name: "appends, without", unit: "/s" },
    { name: "appends, type", unit: "/s" },
    { name: "appends, type and data", unit: "/s" },
  ],
  subjects: ["library"],
  seeds: [SEED],
  async run({ durability, size, seedPath, uniqueName }) {
    const path = seedPath(SEED.name);
    const figures: Record<string, number> = {};

    async function withIndexes(count: number, use: (streams: StreamFactory, openMs: number) => Promise<void>) {
      const beganMs = performance.now();
      await using streams = await sqliteStreamFactory(path, { durability, indexes: FIELDS.slice(0, count) });
      await use(streams, performance.now() - beganMs);
    }

    await withIndexes(0, async (streams) => {
      figures["@all, without"] = await readMs(await streams.openStream("@all"), 3);
      figures["appends, without"] = await appendRate(await streams.openStream(`${uniqueName}-0`), APPENDS[size]);
    });
    await withIndexes(1, async (streams, openMs) => {
      figures["building an index"] = openMs;
      figures["@all, with"] = await readMs(await streams.openStream("@all"), READS[size]);
      figures["stream, with"] = await readMs(await streams.openStream(LONG_STREAM), READS[size]);
      figures["appends, type"] = await appendRate(await streams.openStream(`${uniqueName}-1`), APPENDS[size]);
    });
    await withIndexes(2, async (streams) => {
      const stream = await streams.openStream(`${uniqueName}-2`);
      figures["appends, type and data"] = await appendRate(stream, APPENDS[size]);
    });
    return figures;
  },
};

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

async function appendRate(stream: Stream, appends: number): Promise<number> {
  for (let number = 0; number < appends / 10; number += 1) await stream.write(makeEvent(number));
  const beganMs = performance.now();
  for (let number = 0; number < appends; number += 1) await stream.write(makeEvent(number));
  return (appends / (performance.now() - beganMs)) * 1_000;
}
