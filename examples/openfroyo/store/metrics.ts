import { sql } from "async-streams";
import type { OperationMetrics } from "./operation-metrics.js";
import type { Row } from "./rows.js";
import type { Streams } from "./store-backend.js";

const GAUGES = [
  {
    name: "openfroyo_runs",
    help: "Runs, by status.",
    label: "status",
    statement: sql`SELECT status AS label, count(*) AS total FROM runs GROUP BY status`,
  },
  {
    name: "openfroyo_plan_units",
    help: "Units of plans, by status.",
    label: "status",
    statement: sql`SELECT status AS label, count(*) AS total FROM plan_units GROUP BY status`,
  },
  {
    name: "openfroyo_events",
    help: "Lines of the log, by level.",
    label: "level",
    statement: sql`SELECT level AS label, count(*) AS total FROM events GROUP BY level`,
  },
  {
    name: "openfroyo_audit_entries",
    help: "Entries of the audit trail, by action.",
    label: "action",
    statement: sql`SELECT action AS label, count(*) AS total FROM audit GROUP BY action`,
  },
  {
    name: "openfroyo_resources",
    help: "Managed resources, by type.",
    label: "type",
    statement: sql`SELECT resource_type AS label, count(*) AS total FROM resource_state GROUP BY resource_type`,
  },
  {
    name: "openfroyo_facts",
    help: "Facts, by namespace, expired ones included.",
    label: "namespace",
    statement: sql`SELECT namespace AS label, count(*) AS total FROM facts GROUP BY namespace`,
  },
];

/** What the tables have, and what this process did, in Prometheus' text format. */
export async function metricsText(streams: Streams, operations: OperationMetrics): Promise<string> {
  const lines: string[] = [];
  for (const { name, help, label, statement } of GAUGES) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`);
    for (const row of await streams.query<Row>(statement)) {
      lines.push(`${name}{${label}="${escaped(String(row.label))}"} ${row.total}`);
    }
  }
  await using all = await streams.openStream("@all");
  lines.push("# HELP openfroyo_store_position The last position of the event store.");
  lines.push("# TYPE openfroyo_store_position gauge", `openfroyo_store_position ${all.version}`);
  return `${[...lines, ...operations.lines()].join("\n")}\n`;
}

/** The escapes of a label's value. */
function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
