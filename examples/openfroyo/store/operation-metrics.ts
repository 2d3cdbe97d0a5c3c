/** Upper bounds in seconds; the last bucket has no bound. */
const BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5];

interface Histogram {
  readonly counts: number[];
  count: number;
  sum: number;
}

/** Counts what the operations of this process did and how long they took, as Prometheus has it. */
export class OperationMetrics {
  slowQueries = 0;
  readonly #durations = new Map<string, Histogram>();
  readonly #outcomes = new Map<string, number>();

  observe(operation: string, outcome: "ok" | "error", seconds: number): void {
    const key = `operation="${operation.replaceAll(" ", "_")}"`;
    const outcomes = `${key},outcome="${outcome}"`;
    this.#outcomes.set(outcomes, (this.#outcomes.get(outcomes) ?? 0) + 1);
    const histogram = this.#durations.get(key) ?? { counts: BUCKETS.map(() => 0), count: 0, sum: 0 };
    this.#durations.set(key, histogram);
    histogram.count += 1;
    histogram.sum += seconds;
    for (const [index, bound] of BUCKETS.entries()) {
      if (seconds <= bound) histogram.counts[index] = (histogram.counts[index] ?? 0) + 1;
    }
  }

  /** The lines of the text format. */
  lines(): string[] {
    return [
      "# HELP openfroyo_operations_total Operations of this process, by outcome.",
      "# TYPE openfroyo_operations_total counter",
      ...[...this.#outcomes].map(([labels, count]) => `openfroyo_operations_total{${labels}} ${count}`),
      "# HELP openfroyo_operation_duration_seconds How long they took.",
      "# TYPE openfroyo_operation_duration_seconds histogram",
      ...[...this.#durations].flatMap(([labels, histogram]) => histogramLines(labels, histogram)),
      "# HELP openfroyo_slow_queries_total Statements of this process that took longer than slowQueryMs.",
      "# TYPE openfroyo_slow_queries_total counter",
      `openfroyo_slow_queries_total ${this.slowQueries}`,
    ];
  }
}

function histogramLines(labels: string, { counts, count, sum }: Histogram): string[] {
  const name = "openfroyo_operation_duration_seconds";
  return [
    ...BUCKETS.map((bound, index) => `${name}_bucket{${labels},le="${bound}"} ${counts[index]}`),
    `${name}_bucket{${labels},le="+Inf"} ${count}`,
    `${name}_sum{${labels}} ${sum}`,
    `${name}_count{${labels}} ${count}`,
  ];
}
