import type { BenchOptions } from "./command-line.js";
import { formatValue } from "./format-value.js";
import { measure } from "./measure.js";
import { type Heat, rotated } from "./plan.js";
import type { Durability } from "./subject.js";
import type { Answer } from "./task.js";
import type { FigureValues } from "./workload.js";

/** What one process measured. */
export interface Sample {
  readonly round: number;
  readonly workload: string;
  readonly durability: Durability;
  readonly subject: string;
  readonly figures: FigureValues;
  /** Why there are no figures. */
  readonly error?: string;
}

/** Runs everything once a round, and gives each sample on as it comes. */
export async function* runRounds(
  { rounds, size }: BenchOptions,
  heats: readonly Heat[],
  { folder, server }: { readonly folder: string; readonly server: string | undefined },
): AsyncGenerator<Sample> {
  for (let round = 1; round <= rounds; round += 1) {
    for (const { workload, durability, subjects } of heats) {
      for (const subject of rotated(subjects, round - 1)) {
        const answer = await measure({ role: "measure", workload, subject, durability, size, folder, server });
        yield { round, workload: workload.id, durability, subject: subject.name, ...outcomeOf(answer) };
      }
    }
  }
}

function outcomeOf(answer: Answer): Pick<Sample, "figures" | "error"> {
  if ("error" in answer) return { figures: {}, error: answer.error };
  return { figures: "figures" in answer ? answer.figures : {} };
}

/** The line of progress for a sample: the first figure that it has. */
export function describeSample(sample: Sample, heats: readonly Heat[], rounds: number): string {
  const { round, workload, durability, subject, figures, error } = sample;
  const heat = heats.find((candidate) => candidate.workload.id === workload);
  const figure = heat?.workload.figures.find(({ name }) => figures[name] !== undefined);
  const value = figure === undefined ? "" : `${figure.name} ${formatValue(figures[figure.name], figure.unit)}`;
  const outcome = error === undefined ? value : `failed: ${error}`;
  return `round ${round}/${rounds}  ${workload.padEnd(4)} ${durability.padEnd(6)} ${subject.padEnd(15)} ${outcome}`;
}
