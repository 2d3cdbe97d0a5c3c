/** How a field is kept: `time` as ISO 8601, `json` as its text. A `position` is written, and is not part of the record. */
export type ColumnKind = "text" | "number" | "time" | "json" | "position";

/** A table, and the fields of its records. The column of `planPath` is `plan_path`. */
export interface Table {
  readonly name: string;
  readonly columns: Readonly<Record<string, ColumnKind>>;
}

const TIMES = { createdAt: "time", updatedAt: "time" } as const;

export const RUNS: Table = {
  name: "runs",
  columns: {
    id: "text",
    planPath: "text",
    status: "text",
    startedAt: "time",
    completedAt: "time",
    error: "text",
    metadata: "json",
    ...TIMES,
    position: "position",
  },
};

export const PLAN_UNITS: Table = {
  name: "plan_units",
  columns: {
    id: "text",
    runId: "text",
    resourceType: "text",
    resourceName: "text",
    action: "text",
    status: "text",
    dependencies: "json",
    desiredState: "json",
    actualState: "json",
    diff: "json",
    startedAt: "time",
    completedAt: "time",
    error: "text",
    retries: "number",
    ...TIMES,
    position: "position",
  },
};

export const EVENTS: Table = {
  name: "events",
  columns: {
    id: "number",
    runId: "text",
    planUnitId: "text",
    level: "text",
    message: "text",
    details: "json",
    timestamp: "time",
  },
};

export const RESOURCE_STATE: Table = {
  name: "resource_state",
  columns: {
    id: "text",
    resourceType: "text",
    resourceName: "text",
    state: "json",
    hash: "text",
    lastRunId: "text",
    lastApplied: "time",
    ...TIMES,
  },
};

export const FACTS: Table = {
  name: "facts",
  columns: {
    id: "text",
    targetId: "text",
    namespace: "text",
    key: "text",
    value: "json",
    ttl: "number",
    expiresAt: "time",
    ...TIMES,
  },
};

export const AUDIT: Table = {
  name: "audit",
  columns: {
    id: "number",
    action: "text",
    actor: "text",
    targetId: "text",
    details: "json",
    ipAddress: "text",
    timestamp: "time",
  },
};
