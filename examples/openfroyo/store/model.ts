import type { JsonValue } from "async-streams";

export type RunStatus = "pending" | "running" | "completed" | "failed" | "cancelled";

/** One execution of a plan. */
export interface Run {
  readonly id: string;
  readonly planPath: string;
  readonly status: RunStatus;
  readonly startedAt: Date;
  readonly completedAt?: Date;
  readonly error?: string;
  readonly metadata: JsonValue;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type PlanUnitStatus = "pending" | "running" | "completed" | "failed" | "skipped";

/** One resource of a run, and what is done with it. */
export interface PlanUnit {
  readonly id: string;
  readonly runId: string;
  readonly resourceType: string;
  readonly resourceName: string;
  readonly action: "create" | "update" | "delete" | "read";
  readonly status: PlanUnitStatus;
  /** The ids of the units that must be done before it. */
  readonly dependencies: readonly string[];
  readonly desiredState: JsonValue;
  readonly actualState?: JsonValue;
  readonly diff?: JsonValue;
  readonly startedAt?: Date;
  readonly completedAt?: Date;
  readonly error?: string;
  /** How often it was started again after it had failed. */
  readonly retries: number;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export type EventLevel = "debug" | "info" | "warning" | "error";

/** A line of the log. */
export interface LogEvent {
  /** Its position in the event store. */
  readonly id: number;
  readonly runId?: string;
  readonly planUnitId?: string;
  readonly level: EventLevel;
  readonly message: string;
  readonly details?: JsonValue;
  readonly timestamp: Date;
}

/** What a resource was when it was applied last. */
export interface ResourceState {
  readonly id: string;
  readonly resourceType: string;
  readonly resourceName: string;
  readonly state: JsonValue;
  /** SHA-256 of the JSON text of `state`, in hex. */
  readonly hash: string;
  readonly lastRunId?: string;
  readonly lastApplied: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** What was discovered of a target. */
export interface Fact {
  readonly id: string;
  readonly targetId: string;
  readonly namespace: string;
  readonly key: string;
  readonly value: JsonValue;
  /** In seconds; 0: it never expires. */
  readonly ttl: number;
  readonly expiresAt?: Date;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Who did what to which target. */
export interface AuditEntry {
  /** Its position in the event store. */
  readonly id: number;
  readonly action: string;
  readonly actor: string;
  readonly targetId?: string;
  readonly details?: JsonValue;
  readonly ipAddress?: string;
  readonly timestamp: Date;
}

/** What is given; the rest has defaults. */
type Given<T, Required extends keyof T> = Pick<T, Required> & Partial<T>;

export type NewRun = Given<Run, "id" | "planPath">;
export type NewPlanUnit = Given<PlanUnit, "id" | "runId" | "resourceType" | "resourceName" | "action">;
export type NewLogEvent = Given<Omit<LogEvent, "id">, "level" | "message">;
export type NewResourceState = Given<ResourceState, "resourceType" | "resourceName" | "state">;
export type NewFact = Given<Fact, "targetId" | "namespace" | "key" | "value">;
export type NewAuditEntry = Given<Omit<AuditEntry, "id">, "action" | "actor">;
