import { join } from "node:path";
import type { Store } from "../subject.js";
import type { FigureValues, SizeName, Workload } from "../workload.js";
import { APPEND_LIMIT_MS, appendSideBySide, WARM_LIMIT_MS } from "./append-loop.js";

const APPENDS = { small: 1_000, full: 10_000 };

const WARM_APPENDS = 500;

export const singleAppends: Workload = {
  id: "W1",
  title: "one awaited append after the other, expected version given",
  figures: [
    {
      name: "rate",
      unit: "appends/s",
      hasRatio: true,
      goal: { kind: "ratio", atLeast: { normal: 0.4, full: 0.6 } },
    },
    { name: "p50", unit: "ms", isDetail: true },
    { name: "p99", unit: "ms", isDetail: true },
    { name: "errors", unit: "errors", isDetail: true },
  ],
  async run({ subject, durability, folder, size }) {
    const store = await subject.open(join(folder, "store.db"), durability);
    const figures = await measureSingleAppends(store, size);
    await store.close();
    return figures;
  },
};

export async function measureSingleAppends(store: Store, size: SizeName): Promise<FigureValues> {
  const limitMs = APPEND_LIMIT_MS[size];
  // The figures are those of a service that has run for a while, not of cold code.
  await appendSideBySide(store, { appenders: 1, each: WARM_APPENDS, name: "warm", limitMs: WARM_LIMIT_MS });
  const tally = await appendSideBySide(store, { appenders: 1, each: APPENDS[size], name: "account", limitMs });
  return tally.figures();
}
