import type { Results } from "../results.js";
import { DURABILITIES, type Durability } from "../subject.js";
import { WRITERS } from "../workloads/wc-writers.js";

export const MEASURES = ["rate", "p50", "p99"] as const;
export type Measure = (typeof MEASURES)[number];

/** The medians of one subject, one for each number of writers. */
export interface Series {
  readonly subject: string;
  readonly durability: Durability;
  readonly measure: Measure;
  readonly points: readonly { readonly writers: number; readonly value: number }[];
}

/** What the workload of writers measured. */
export function writersSeries({ summary }: Pick<Results, "summary">): Series[] {
  const rows = summary.filter(({ workload }) => workload === "WC");
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  return DURABILITIES.flatMap((durability) =>
    subjects.flatMap((subject) =>
      MEASURES.map((measure): Series => {
        const points = WRITERS.flatMap((writers) => {
          const figure = `${measure}, ${writers} writers`;
          const row = rows.find(
            (candidate) =>
              candidate.subject === subject && candidate.durability === durability && candidate.figure === figure,
          );
          return row === undefined ? [] : [{ writers, value: row.value.median }];
        });
        return { subject, durability, measure, points };
      }).filter(({ points }) => points.length > 0),
    ),
  );
}
