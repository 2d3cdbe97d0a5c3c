import { join } from "node:path";
import type { Store } from "../subject.js";
import type { FigureValues, SizeName, Workload } from "../workload.js";
import { APPEND_LIMIT_MS, appendSideBySide, WARM_LIMIT_MS } from "./append-loop.js";

export const APPENDERS = 64;
const APPENDS_EACH = { small: 50, full: 400 };

const WARM_APPENDS_EACH = 20;

export const concurrentAppends: Workload = {
  id: "W3",
  title: "64 concurrent appenders on 64 streams, each append awaited",
  figures: [
    { name: "rate", unit: "appends/s", hasRatio: true, goal: { kind: "ratio", atLeast: { normal: 4, full: 10 } } },
    { name: "p50", unit: "ms" },
    { name: "p99", unit: "ms", goal: { kind: "below", value: 10 } },
    { name: "errors", unit: "errors" },
  ],
  async run({ subject, durability, folder, size }) {
    const store = await subject.open(join(folder, "store.db"), durability);
    const figures = await measureConcurrentAppends(store, size);
    await store.close();
    return figures;
  },
};

export async function measureConcurrentAppends(store: Store, size: SizeName): Promise<FigureValues> {
  const limitMs = APPEND_LIMIT_MS[size];
  const warm = { appenders: APPENDERS, each: WARM_APPENDS_EACH, name: "warm", limitMs: WARM_LIMIT_MS };
  await appendSideBySide(store, warm);
  const options = { appenders: APPENDERS, each: APPENDS_EACH[size], name: "account", limitMs };
  const tally = await appendSideBySide(store, options);
  return tally.figures();
}
