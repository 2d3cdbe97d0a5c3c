import type { Store } from "../subject.js";
import type { FigureValues, SizeName, Workload } from "../workload.js";
import { LONG_STREAM, longStreamSeed } from "./long-stream.js";

export const STREAM_EVENTS = { small: 10_000, full: 100_000 };
export const STREAM_SEED = longStreamSeed("stream", STREAM_EVENTS);

export const readStream: Workload = {
  id: "W4",
  title: "read 100,000 events of one stream, parsed",
  figures: [
    { name: "rate", unit: "events/s", hasRatio: true, goal: { kind: "ratio", atLeast: { normal: 1, full: 1 } } },
    { name: "peak", unit: "MB", isDetail: true },
  ],
  seeds: [STREAM_SEED],
  async run({ subject, durability, seedPath, size }) {
    const store = await subject.open(seedPath(STREAM_SEED.name), durability);
    const figures = await measureReads(store, size);
    await store.close();
    return figures;
  },
};

export async function measureReads(store: Store, size: SizeName): Promise<FigureValues> {
  // Once unmeasured: the figure is not that of cold code.
  await store.readAll(LONG_STREAM);
  const beganMs = performance.now();
  const count = await store.readAll(LONG_STREAM);
  const tookMs = performance.now() - beganMs;
  if (count !== STREAM_EVENTS[size]) throw new Error(`read ${count} events of ${STREAM_EVENTS[size]}`);
  return { rate: (count / tookMs) * 1_000, peak: process.resourceUsage().maxRSS / 1_024 };
}
