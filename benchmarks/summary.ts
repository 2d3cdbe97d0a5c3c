import type { Heat } from "./plan.js";
import type { Sample } from "./run-rounds.js";
import { median } from "./statistics.js";
import type { Durability } from "./subject.js";
import type { Figure, Goal } from "./workload.js";
import { SUBJECTS_WITH_GOALS } from "./workloads/library-subjects.js";

/** A middle value and how far the rounds lay apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** One figure of one subject over all rounds. */
export interface SummaryRow {
  readonly workload: string;
  readonly durability: Durability;
  readonly subject: string;
  readonly figure: string;
  readonly unit: string;
  readonly rounds: number;
  readonly value: Spread;
  /** The subject that it is compared with. */
  readonly base: string;
  /** To the base's figure of the same round, so that a change of the machine's speed between rounds cancels out. */
  readonly ratio: Spread | null;
  readonly goal: Goal | null;
  readonly isReached: boolean | null;
}

/** Sums the rounds up. Subjects that failed in every round have no row. */
export function summarize(heats: readonly Heat[], samples: readonly Sample[]): SummaryRow[] {
  return heats.flatMap((heat) =>
    heat.workload.figures.flatMap((figure) =>
      heat.subjects.flatMap((subject) => summarizeFigure(heat, figure, subject.name, samples) ?? []),
    ),
  );
}

function summarizeFigure(
  { workload, durability }: Heat,
  figure: Figure,
  subject: string,
  samples: readonly Sample[],
): SummaryRow | null {
  const ofHeat = samples.filter((sample) => sample.workload === workload.id && sample.durability === durability);
  const own = ofHeat.filter((sample) => sample.subject === subject && sample.figures[figure.name] !== undefined);
  if (own.length === 0) return null;
  const value = spreadOf(own.map(({ figures }) => figures[figure.name] as number));
  const base = workload.baseOf?.[subject] ?? workload.base ?? "floor";
  const ratios = own.flatMap(({ round, figures }) => {
    const divisor = ofHeat.find((sample) => sample.subject === base && sample.round === round)?.figures[figure.name];
    return divisor === undefined ? [] : [(figures[figure.name] as number) / divisor];
  });
  const ratio = figure.hasRatio && ratios.length > 0 ? spreadOf(ratios) : null;
  const goal = SUBJECTS_WITH_GOALS.includes(subject) ? (figure.goalOf?.[subject] ?? figure.goal ?? null) : null;
  return {
    workload: workload.id,
    durability,
    subject,
    figure: figure.name,
    unit: figure.unit,
    rounds: own.length,
    value,
    base,
    ratio,
    goal,
    isReached: goal === null ? null : isReached(goal, durability, value.median, ratio?.median),
  };
}

function spreadOf(values: readonly number[]): Spread {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values) };
}

/** Null where it cannot be told: a goal that is a ratio, and nothing to compare with. */
function isReached(goal: Goal, durability: Durability, value: number, ratio: number | undefined): boolean | null {
  if (goal.kind === "ratio") return ratio === undefined ? null : ratio >= goal.atLeast[durability];
  if (goal.kind === "at least") return value >= goal.value;
  return goal.kind === "below" ? value < goal.value : value <= goal.value;
}
