import * as audit from "./audit-operations.js";
import * as facts from "./fact-operations.js";
import * as log from "./log-operations.js";
import type * as model from "./model.js";
import * as resources from "./resource-operations.js";
import * as runs from "./run-operations.js";
import type { Session } from "./session.js";
import * as units from "./unit-operations.js";

/** What can be done with a store, and inside a transaction of it. Each call rejects with a `StoreError` that says what failed. */
export class Operations {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  createRun(run: model.NewRun): Promise<model.Run> {
    return runs.createRun(this.#session, run);
  }

  getRun(id: string): Promise<model.Run> {
    return runs.getRun(this.#session, id);
  }

  listRuns(filter: runs.RunFilter = {}): Promise<model.Run[]> {
    return runs.listRuns(this.#session, filter);
  }

  updateRunStatus(id: string, status: model.RunStatus, error?: string): Promise<void> {
    return runs.updateRunStatus(this.#session, id, status, error);
  }

  deleteRun(id: string): Promise<void> {
    return runs.deleteRun(this.#session, id);
  }

  createPlanUnit(unit: model.NewPlanUnit): Promise<model.PlanUnit> {
    return units.createPlanUnit(this.#session, unit);
  }

  getPlanUnit(id: string): Promise<model.PlanUnit> {
    return units.getPlanUnit(this.#session, id);
  }

  listPlanUnits(runId: string): Promise<model.PlanUnit[]> {
    return units.listPlanUnits(this.#session, runId);
  }

  updatePlanUnitStatus(id: string, status: model.PlanUnitStatus, outcome?: units.UnitOutcome): Promise<void> {
    return units.updatePlanUnitStatus(this.#session, id, status, outcome);
  }

  appendEvent(event: model.NewLogEvent): Promise<model.LogEvent> {
    return log.appendEvent(this.#session, event);
  }

  listEvents(filter: log.EventFilter = {}): Promise<model.LogEvent[]> {
    return log.listEvents(this.#session, filter);
  }

  upsertResourceState(state: model.NewResourceState): Promise<model.ResourceState> {
    return resources.upsertResourceState(this.#session, state);
  }

  getResourceState(type: string, name: string): Promise<model.ResourceState> {
    return resources.getResourceState(this.#session, type, name);
  }

  listResourceStates(): Promise<model.ResourceState[]> {
    return resources.listResourceStates(this.#session);
  }

  upsertFact(fact: model.NewFact): Promise<model.Fact> {
    return facts.upsertFact(this.#session, fact);
  }

  getFact(targetId: string, namespace: string, key: string): Promise<model.Fact> {
    return facts.getFact(this.#session, targetId, namespace, key);
  }

  deleteExpiredFacts(): Promise<number> {
    return facts.deleteExpiredFacts(this.#session);
  }

  createAuditEntry(entry: model.NewAuditEntry): Promise<model.AuditEntry> {
    return audit.createAuditEntry(this.#session, entry);
  }

  listAuditEntries(filter: audit.AuditFilter = {}): Promise<model.AuditEntry[]> {
    return audit.listAuditEntries(this.#session, filter);
  }
}
