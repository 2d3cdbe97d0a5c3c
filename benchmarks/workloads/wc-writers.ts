import { join } from "node:path";
import type { Figure, Workload } from "../workload.js";
import { appendSideBySide } from "./append-loop.js";
import { FLOOR_AND_LIBRARY } from "./library-subjects.js";

/** How many appenders work at once. */
export const WRITERS: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256];

const LEVEL_MS = { small: 60, full: 1_500 };

const figuresOf = (writers: number): Figure[] => [
  { name: `rate, ${writers} writers`, unit: "appends/s", hasRatio: true },
  { name: `p50, ${writers} writers`, unit: "ms", isDetail: true },
  { name: `p99, ${writers} writers`, unit: "ms", isDetail: true },
];

export const writers: Workload = {
  id: "WC",
  title: "awaited single appends of 1 to 256 concurrent writers",
  figures: WRITERS.flatMap(figuresOf),
  subjects: FLOOR_AND_LIBRARY,
  async run({ subject, durability, folder, size }) {
    const store = await subject.open(join(folder, "store.db"), durability);
    const level = (appenders: number, name: string) =>
      appendSideBySide(store, { appenders, each: Number.MAX_SAFE_INTEGER, name, limitMs: LEVEL_MS[size] });
    await level(1, "warm");
    const figures: Record<string, number> = {};
    for (const count of WRITERS) {
      const values = (await level(count, `level-${count}`)).figures();
      for (const name of ["rate", "p50", "p99"]) figures[`${name}, ${count} writers`] = values[name] ?? Number.NaN;
    }
    await store.close();
    return figures;
  },
};
