import { join } from "node:path";
import type { StreamFactory } from "async-streams";
import { runProjections } from "async-streams/projections";
import { countingProjection } from "../subjects/library-projections.js";
import type { FigureValues, Workload } from "../workload.js";
import { APPEND_LIMIT_MS, appendSideBySide, WARM_LIMIT_MS } from "./append-loop.js";
import { LIBRARY_SUBJECTS } from "./library-subjects.js";
import { APPENDERS } from "./w03-concurrent-appends.js";

const EACH = { small: 10, full: 200 };
const ALONE_EACH = { small: 50, full: 2_000 };
const WARM_EACH = 5;

export const inlineProjections: Workload = {
  id: "W29",
  title: "writes with an inline projection of one upsert each, and without: one caller, and 64",
  figures: [
    { name: "one caller, none", unit: "writes/s" },
    { name: "one caller, inline", unit: "writes/s" },
    { name: "64 callers, none", unit: "writes/s" },
    { name: "64 callers, inline", unit: "writes/s" },
  ],
  subjects: LIBRARY_SUBJECTS,
  async run({ subject, durability, folder, size }) {
    const figures: Record<string, number> = {};
    for (const mode of ["none", "inline"]) {
      const store = await subject.open(join(folder, `${mode}.db`), durability);
      const measure = (name: string, appenders: number, each: number, limitMs: number) =>
        appendSideBySide(store, { name, appenders, each, limitMs });
      if (mode === "inline") {
        await runProjections(store.factory as StreamFactory, [countingProjection("changes")], { mode });
      }
      await measure("warm", APPENDERS, WARM_EACH, WARM_LIMIT_MS);
      const limitMs = APPEND_LIMIT_MS[size];
      const rateOf = ({ rate = Number.NaN }: FigureValues): number => rate;
      figures[`one caller, ${mode}`] = rateOf((await measure("alone", 1, ALONE_EACH[size], limitMs)).figures());
      figures[`64 callers, ${mode}`] = rateOf((await measure("beside", APPENDERS, EACH[size], limitMs)).figures());
      await store.close();
    }
    return figures;
  },
};
