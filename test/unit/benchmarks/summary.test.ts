import { expect, test } from "vitest";
import type { Heat } from "../../../benchmarks/plan.js";
import type { Sample } from "../../../benchmarks/run-rounds.js";
import { percentile } from "../../../benchmarks/statistics.js";
import { subjectOf } from "../../../benchmarks/subjects/index.js";
import { summarize } from "../../../benchmarks/summary.js";
import { goalTable } from "../../../benchmarks/tables.js";
import { workloadOf } from "../../../benchmarks/workloads/index.js";

const heat: Heat = {
  workload: workloadOf("W1"),
  durability: "normal",
  subjects: ["floor", "library"].map(subjectOf),
};

function samplesOf(subject: string, rates: readonly (number | null)[]): Sample[] {
  return rates.map((rate, index) => {
    const sample = { round: index + 1, workload: "W1", durability: "normal", subject } as const;
    return rate === null ? { ...sample, figures: {}, error: "it failed" } : { ...sample, figures: { rate } };
  });
}

function rateOfLibrary(floor: readonly (number | null)[], library: readonly (number | null)[]) {
  const rows = summarize([heat], [...samplesOf("floor", floor), ...samplesOf("library", library)]);
  return rows.find(({ subject, figure }) => subject === "library" && figure === "rate");
}

test("the ratio is the median of the rounds' own, not that of the medians", () => {
  // A machine that is slow in one round slows both.
  const row = rateOfLibrary([100, 10, 200], [50, 5, 40]);
  expect(row?.value).toEqual({ median: 40, min: 5, max: 50 });
  expect(row?.ratio).toEqual({ median: 0.5, min: 0.2, max: 0.5 });
  expect(row?.isReached).toBe(true);
});

test("a round in which one of both failed has no ratio", () => {
  expect(rateOfLibrary([100, null, 100], [30, 40, null])).toMatchObject({ rounds: 2, ratio: { min: 0.3, max: 0.3 } });
  expect(rateOfLibrary([null], [30])).toMatchObject({ ratio: null, isReached: null });
  expect(rateOfLibrary([100], [null])).toBeUndefined();
});

test("a percentile lies between its neighbours", () => {
  expect(percentile([4, 1, 3, 2], 50)).toBe(2.5);
  expect(percentile([1, 2, 3], 100)).toBe(3);
  expect(percentile([], 50)).toBeNaN();
});

test("a size is shown with its unit, and with the bound that it has", () => {
  const sizes: Heat = { workload: workloadOf("W11"), durability: "normal", subjects: [subjectOf("library")] };
  const sample = {
    round: 1,
    workload: "W11",
    durability: "normal",
    subject: "library",
    figures: { size: 60 },
  } as const;
  expect(goalTable(summarize([sizes], [sample]))).toMatch(
    /\| W11 +\| normal +\| library \| size .*60.* B\/event.*\| <= 75 B\/event \| yes/,
  );
});
