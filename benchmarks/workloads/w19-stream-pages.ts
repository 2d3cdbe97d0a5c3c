import type { AdministrableStreamFactory, ListStreamsOptions, TransactionalStreamFactory } from "async-streams";
import { makeEvent } from "../bench-event.js";
import { median } from "../statistics.js";
import type { Seed, SizeName, Workload } from "../workload.js";
import { LIBRARY_SUBJECTS } from "./library-subjects.js";

const PAGE_STREAMS = 10;
const STREAMS = { small: 20_000, full: 1_000_000 };
const PAGES = { small: 50, full: 2_000 };
/** The most that one write may name. */
const WRITE_STREAMS = 1_000;

const idOf = (number: number): string => `stream-${String(number).padStart(8, "0")}`;

/** A store of streams that have one event each. */
function seedOf(name: string, streams: Readonly<Record<SizeName, number>>): Seed {
  return {
    name,
    async fill({ factory }, size) {
      const count = streams[size];
      for (let first = 0; first < count; first += WRITE_STREAMS) {
        const length = Math.min(WRITE_STREAMS, count - first);
        const writes = Array.from({ length }, (_, index) => ({
          streamId: idOf(first + index),
          events: makeEvent(first + index),
        }));
        await (factory as TransactionalStreamFactory).writeAll(writes);
      }
    },
  };
}

const FEW = seedOf("ten-streams", { small: PAGE_STREAMS, full: PAGE_STREAMS });
const MANY = seedOf("many-streams", STREAMS);

export const streamPages: Workload = {
  id: "W19",
  title: "a page of 10 streams, among 10 and in the middle of 1,000,000 (small: 20,000)",
  figures: [
    { name: "slower by", unit: "x", goal: { kind: "at most", value: 1.2 } },
    { name: "among few", unit: "us" },
    { name: "among many", unit: "us" },
  ],
  subjects: LIBRARY_SUBJECTS,
  isFlushFree: true,
  seeds: [FEW, MANY],
  async run({ durability, size, seedPath, subject }) {
    const few = await subject.open(seedPath(FEW.name), durability);
    const many = await subject.open(seedPath(MANY.name), durability);
    const middle = { after: idOf(STREAMS[size] / 2 - 1), limit: PAGE_STREAMS };
    const timesUs: { few: number[]; many: number[] } = { few: [], many: [] };
    for (let page = 0; page < PAGES[size]; page += 1) {
      // In turns, so that a slow moment is the same for both.
      timesUs.few.push(await readPageUs(few.factory as AdministrableStreamFactory, { limit: PAGE_STREAMS }));
      timesUs.many.push(await readPageUs(many.factory as AdministrableStreamFactory, middle));
    }
    await few.close();
    await many.close();
    const [fewUs, manyUs] = [median(timesUs.few), median(timesUs.many)];
    return { "slower by": manyUs / fewUs, "among few": fewUs, "among many": manyUs };
  },
};

async function readPageUs(streams: AdministrableStreamFactory, options: ListStreamsOptions): Promise<number> {
  const beganMs = performance.now();
  let count = 0;
  for await (const _ of streams.listStreams(options)) count += 1;
  if (count !== PAGE_STREAMS) throw new Error(`listed ${count} streams of ${PAGE_STREAMS}`);
  return (performance.now() - beganMs) * 1_000;
}
