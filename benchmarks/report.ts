/** One workload's medians. */
export interface Row {
  readonly workload: string;
  readonly floor: number;
  readonly library: number;
  /** The median of the rounds' own ratios, so that a change of the machine's speed between rounds cancels out. */
  readonly ratio: number;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

export function formatTable(rows: readonly Row[]): string {
  const lines = rows.map(({ workload, floor, library, ratio }) => {
    const rates = [floor, library].map((rate) => Math.round(rate).toLocaleString("en").padStart(10));
    return `| ${workload.padEnd(28)} | ${rates.join(" | ")} | ${ratio.toFixed(2).padStart(6)} |`;
  });
  const head = `| ${"workload".padEnd(28)} | ${"floor".padStart(10)} | ${"library".padStart(10)} | ${"ratio".padStart(6)} |`;
  return [head, `| ${"-".repeat(28)} | ${"-".repeat(9)}: | ${"-".repeat(9)}: | ${"-".repeat(5)}: |`, ...lines].join(
    "\n",
  );
}
