/**
 * How a field is kept: `time` as ISO 8601, `json` as its text. A `key` is a text that an index has. A `position` is written, and
 * is not part of the record.
 */
export type ColumnKind = "text" | "key" | "number" | "time" | "json" | "position";

/** A table, and the fields of its records. The column of `planPath` is `plan_path`. */
export interface Table {
  readonly name: string;
  readonly columns: Readonly<Record<string, ColumnKind>>;
}

const TIMES = { createdAt: "time", updatedAt: "time" } as const;

export const RUNS: Table = {
  name: "runs",
  columns: {
    id: "key",
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
    id: "key",
    runId: "key",
    resourceType: "key",
    resourceName: "key",
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
    runId: "key",
    planUnitId: "key",
    level: "text",
    message: "text",
    details: "json",
    timestamp: "time",
  },
};

export const RESOURCE_STATE: Table = {
  name: "resource_state",
  columns: {
    id: "key",
    resourceType: "key",
    resourceName: "key",
    state: "json",
    hash: "key",
    lastRunId: "key",
    lastApplied: "time",
    ...TIMES,
  },
};

export const FACTS: Table = {
  name: "facts",
  columns: {
    id: "key",
    targetId: "key",
    namespace: "key",
    key: "key",
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
    action: "key",
    actor: "key",
    targetId: "key",
    details: "json",
    ipAddress: "text",
    timestamp: "time",
  },
};
