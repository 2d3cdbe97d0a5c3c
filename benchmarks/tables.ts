import { formatNumber, formatValue } from "./format-value.js";
import type { Spread, SummaryRow } from "./summary.js";
import type { Goal, Workload } from "./workload.js";

/** The library's figures that have a goal. */
export function goalTable(rows: readonly SummaryRow[]): string {
  const head = ["workload", "durability", "subject", "figure", "median", "spread", "base", "ratio", "goal", "reached"];
  const lines = rows
    .filter(({ goal }) => goal !== null)
    .map((row) => [
      row.workload,
      row.durability,
      row.subject,
      row.figure,
      formatValue(row.value.median, row.unit),
      formatSpread(row.value),
      baseOf(row, rows),
      formatRatio(row),
      describeGoal(row),
      row.isReached === null ? "-" : row.isReached ? "yes" : "**no**",
    ]);
  return formatTable(head, lines);
}

/** Every figure, a column for each subject: the median, and in brackets the ratio to the floor. */
export function subjectTable(rows: readonly SummaryRow[], workloads: readonly Workload[]): string {
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  const shown = rows.filter((row) => !isDetail(row, workloads));
  const keys = new Map(shown.map((row) => [keyOf(row), row]));
  const lines = [...keys].map(([key, { workload, durability, figure }]) => [
    workload,
    durability,
    figure,
    ...subjects.map((subject) => {
      const row = shown.find((candidate) => keyOf(candidate) === key && candidate.subject === subject);
      if (row === undefined) return "";
      const ratio = row.ratio === null || subject === row.base ? "" : ` (${formatNumber(row.ratio.median)})`;
      return formatValue(row.value.median, row.unit) + ratio;
    }),
  ]);
  return formatTable(["workload", "durability", "figure", ...subjects], lines);
}

function isDetail({ workload, figure }: SummaryRow, workloads: readonly Workload[]): boolean {
  const figures = workloads.find(({ id }) => id === workload)?.figures ?? [];
  return figures.find(({ name }) => name === figure)?.isDetail ?? false;
}

const keyOf = ({ workload, durability, figure }: SummaryRow): string => `${workload} ${durability} ${figure}`;

const formatSpread = ({ min, max }: Spread): string => `${formatNumber(min)}..${formatNumber(max)}`;

const formatRatio = ({ ratio }: SummaryRow): string => (ratio === null ? "" : formatNumber(ratio.median));

function baseOf({ workload, durability, figure, unit, base }: SummaryRow, rows: readonly SummaryRow[]): string {
  const found = rows.find(
    (row) =>
      row.workload === workload && row.durability === durability && row.figure === figure && row.subject === base,
  );
  return found === undefined ? "" : formatValue(found.value.median, unit);
}

function describeGoal({ goal, durability, unit }: SummaryRow): string {
  if (goal === null) return "";
  return GOAL_TEXTS[goal.kind](goal, durability, unit);
}

const withUnit = (value: number, unit: string): string =>
  `${value.toLocaleString("en")}${unit.endsWith("/s") ? "/s" : ` ${unit}`}`;

const GOAL_TEXTS: Readonly<Record<Goal["kind"], (goal: Goal, durability: "normal" | "full", unit: string) => string>> =
  {
    ratio: (goal, durability) => (goal.kind === "ratio" ? `ratio >= ${goal.atLeast[durability]}` : ""),
    "at least": (goal, _, unit) => (goal.kind === "at least" ? `>= ${withUnit(goal.value, unit)}` : ""),
    below: (goal, _, unit) => (goal.kind === "below" ? `< ${withUnit(goal.value, unit)}` : ""),
    "at most": (goal, _, unit) => (goal.kind === "at most" ? `<= ${withUnit(goal.value, unit)}` : ""),
  };

/** A Markdown table whose columns stand under each other. */
export function formatTable(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...lines.map((cells) => (cells[column] ?? "").length)),
  );
  const format = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  return [format(head), format(widths.map((width) => "-".repeat(width))), ...lines.map(format)].join("\n");
}
