import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Machine } from "./machine.js";
import type { Heat } from "./plan.js";
import type { Sample } from "./run-rounds.js";
import type { SummaryRow } from "./summary.js";
import { formatTable, subjectTable } from "./tables.js";
import type { Workload } from "./workload.js";

/** A run, as it is saved. */
export interface Results {
  readonly command: string;
  readonly date: string;
  readonly size: string;
  readonly rounds: number;
  readonly machine: Machine;
  readonly workloads: readonly { readonly id: string; readonly title: string }[];
  /** How each subject was set up, by durability. */
  readonly settings: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** What was not measured, and why. */
  readonly leftOut: readonly string[];
  readonly summary: readonly SummaryRow[];
  readonly samples: readonly Sample[];
}

export const RESULTS_FILE = "latest.json";

export async function saveResults(folder: string, results: Results, heats: readonly Heat[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, RESULTS_FILE), `${JSON.stringify(results, null, 2)}\n`);
  await writeFile(join(folder, "latest.md"), formatMarkdown(results, heats));
}

function formatMarkdown(results: Results, heats: readonly Heat[]): string {
  const { machine, summary } = results;
  const failures = describeFailures(results.samples);
  const smoke = results.size === "full" ? "" : "\n**A smoke run: these figures mean nothing.**\n";
  return `# Results

\`${results.command}\`, ${results.date}, medians of ${results.rounds} rounds.
${smoke}
${formatTable(
  ["machine", ""],
  [
    ["CPU", `${machine.cpu}, ${machine.cores} cores`],
    ["memory", `${machine.memoryGB} GB`],
    ["system", `${machine.os}, ${machine.fileSystem}`],
    ["Node", machine.node],
    ...Object.entries(machine.sqliteOf).map(([driver, version]) => [`SQLite in ${driver}`, version]),
    ...(machine.postgres === null ? [] : [["PostgreSQL", machine.postgres]]),
    ...Object.entries(machine.packages),
  ],
)}

## Figures

Medians. In brackets is the ratio to the floor, and in P1 to P6 to Emmett: the median of the ratios of each round.

${subjectTable(summary, workloadsOf(heats))}

${results.leftOut.map((line) => `- Left out: ${line}\n`).join("")}${failures.map((line) => `- Failed: ${line}\n`).join("")}
${formatTable(
  ["subject", "durability", "settings"],
  Object.entries(results.settings).flatMap(([subject, settings]) =>
    Object.entries(settings).map(([durability, text]) => [subject, durability, text]),
  ),
)}

${formatTable(
  ["workload", "what it does"],
  results.workloads.map(({ id, title }) => [id, title]),
)}
`;
}

export function workloadsOf(heats: readonly Heat[]): Workload[] {
  return [...new Set(heats.map(({ workload }) => workload))];
}

export function describeFailures(samples: readonly Sample[]): string[] {
  return samples.flatMap(({ workload, durability, subject, round, error }) =>
    error === undefined ? [] : [`${workload} ${durability} ${subject}, round ${round}: ${error}`],
  );
}
