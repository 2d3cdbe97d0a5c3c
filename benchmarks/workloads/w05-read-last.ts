import type { Store } from "../subject.js";
import type { Goal, Workload } from "../workload.js";
import { LONG_STREAM } from "./long-stream.js";
import { STREAM_EVENTS, STREAM_SEED } from "./w04-read-stream.js";

const LAST_EVENTS = 10;
const READS = { small: 200, full: 2_000 };

const WARM_READS = 200;

/** Reads a second, one after the other. */
export async function readLastRate(
  store: Store,
  options: { readonly streamId: string; readonly version: number; readonly reads: number },
): Promise<number> {
  const { streamId, version, reads } = options;
  const beganMs = performance.now();
  for (let read = 0; read < reads; read += 1) {
    const count = await store.readLast(streamId, LAST_EVENTS, version);
    if (count !== LAST_EVENTS) throw new Error(`read ${count} events instead of ${LAST_EVENTS}`);
  }
  return (reads / (performance.now() - beganMs)) * 1_000;
}

/** A read takes the same in either durability. */
const ratioOf = (ratio: number): Goal => ({ kind: "ratio", atLeast: { normal: ratio, full: ratio } });

export const readLast: Workload = {
  id: "W5",
  // Reads as short as these cost what the driver costs.
  baseOf: { "library-node": "floor-node" },
  title: "read the last 10 events of a stream of 100,000, 2,000 times",
  figures: [
    {
      name: "rate",
      unit: "reads/s",
      hasRatio: true,
      goalOf: { library: ratioOf(0.2), "library-better": ratioOf(0.6), "library-node": ratioOf(0.9) },
    },
  ],
  seeds: [STREAM_SEED],
  async run({ subject, durability, seedPath, size }) {
    const store = await subject.open(seedPath(STREAM_SEED.name), durability);
    const version = STREAM_EVENTS[size];
    await readLastRate(store, { streamId: LONG_STREAM, version, reads: WARM_READS });
    const rate = await readLastRate(store, { streamId: LONG_STREAM, version, reads: READS[size] });
    await store.close();
    return { rate };
  },
};
