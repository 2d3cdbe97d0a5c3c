import type { Store } from "../subject.js";
import type { Seed, Workload } from "../workload.js";
import { APPEND_LIMIT_MS, appendSideBySide } from "./append-loop.js";
import { FLOOR_AND_LIBRARY } from "./library-subjects.js";
import { fillStream, LONG_STREAM } from "./long-stream.js";
import { APPENDERS } from "./w03-concurrent-appends.js";
import { readLastRate } from "./w05-read-last.js";

const FEW = { small: 10_000, full: 10_000 };
const MANY = { small: 300_000, full: 10_000_000 };
const OTHER_STREAMS = 90;
const APPENDS = { small: 500, full: 5_000 };
const APPENDS_EACH = { small: 20, full: 200 };
const READS = { small: 200, full: 2_000 };

const MEASURED = ["W1", "W3", "W5"] as const;

/** A tenth of the events on the stream that is read, the rest on others. */
const longOf = (events: number): number => events / 10;

function seedOf(name: string, events: Readonly<Record<"small" | "full", number>>): Seed {
  return {
    name,
    async fill(store, size) {
      await fillStream(store, LONG_STREAM, longOf(events[size]));
      const each = (events[size] - longOf(events[size])) / OTHER_STREAMS;
      for (let stream = 0; stream < OTHER_STREAMS; stream += 1) await fillStream(store, `other-${stream}`, each);
    },
  };
}

const FEW_SEED = seedOf("few", FEW);
const MANY_SEED = seedOf("many", MANY);

const slowdown = (name: string) => ({
  name: `${name} slower by`,
  unit: "x",
  goal: { kind: "at most", value: 1.5 } as const,
});
const rates = (name: string) => [
  { name: `${name}, few`, unit: "/s" },
  { name: `${name}, many`, unit: "/s" },
];

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

export const storeSize: Workload = {
  id: "W13",
  title: "W1, W3 and W5 on a store of 10,000 and of 10,000,000 events (small: 300,000)",
  figures: [...MEASURED.map(slowdown), ...MEASURED.flatMap(rates)],
  subjects: FLOOR_AND_LIBRARY,
  seeds: [FEW_SEED, MANY_SEED],
  async run({ subject, durability, size, seedPath, uniqueName }) {
    // Once unmeasured, and then in turns that favour neither.
    await onStore(FEW_SEED, longOf(FEW[size]), "warm");
    const few = [await onStore(FEW_SEED, longOf(FEW[size]), "first")];
    const many = [await onStore(MANY_SEED, longOf(MANY[size]), "first")];
    many.push(await onStore(MANY_SEED, longOf(MANY[size]), "second"));
    few.push(await onStore(FEW_SEED, longOf(FEW[size]), "second"));
    const figures: Record<string, number> = {};
    for (const name of MEASURED) {
      const rateFew = mean(few.map((rates) => rates[name]));
      const rateMany = mean(many.map((rates) => rates[name]));
      figures[`${name} slower by`] = rateFew / rateMany;
      figures[`${name}, few`] = rateFew;
      figures[`${name}, many`] = rateMany;
    }
    return figures;

    async function onStore(
      seed: Seed,
      version: number,
      name: string,
    ): Promise<Record<(typeof MEASURED)[number], number>> {
      const store: Store = await subject.open(seedPath(seed.name), durability);
      const limitMs = APPEND_LIMIT_MS[size];
      const prefix = `${uniqueName}-${name}`;
      const one = await appendSideBySide(store, { appenders: 1, each: APPENDS[size], name: `${prefix}-one`, limitMs });
      const side = { appenders: APPENDERS, each: APPENDS_EACH[size], name: `${prefix}-side`, limitMs };
      const many = await appendSideBySide(store, side);
      const reads = await readLastRate(store, { streamId: LONG_STREAM, version, reads: READS[size] });
      await store.close();
      return { W1: one.figures().rate ?? Number.NaN, W3: many.figures().rate ?? Number.NaN, W5: reads };
    }
  },
};
