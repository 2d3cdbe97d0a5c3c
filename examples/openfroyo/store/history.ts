import { type JsonObject, type SQL, type SQLStatement, type StoredEvent, sql, type Transaction } from "async-streams";
import { event, typed } from "async-streams/events";
import { insert, update, upsert } from "./statements.js";
import type { Streams } from "./store-backend.js";
import { AUDIT, EVENTS, PLAN_UNITS, RESOURCE_STATE, RUNS } from "./tables.js";

/** What happened, with the whole record as data. */
export type RecordEvent = {
  type: "RunCreated" | "UnitPlanned" | "EventLogged" | "ResourceStateRecorded" | "AuditRecorded";
  data: JsonObject;
};

/** What happened to a store, with the record or its changed fields as data. Everything but facts. */
export type HistoryEvent =
  | RecordEvent
  | { type: "RunStatusChanged" | "UnitStatusChanged"; data: { id: string; changes: JsonObject } }
  | { type: "RunDeleted"; data: { id: string } };

const TYPES = {
  RunCreated: event<JsonObject>(),
  RunStatusChanged: event<{ id: string; changes: JsonObject }>(),
  RunDeleted: event<{ id: string }>(),
  UnitPlanned: event<JsonObject>(),
  UnitStatusChanged: event<{ id: string; changes: JsonObject }>(),
  EventLogged: event<JsonObject>(),
  ResourceStateRecorded: event<JsonObject>(),
  AuditRecorded: event<JsonObject>(),
};

/** A run has its units and its log in its own stream: all of it is read in order. */
export const streamOfRun = (id: string): string => `run-${id}`;
/** Names may have slashes. One in a type is encoded, so that no two resources share a stream. */
export const streamOfResource = (type: string, name: string): string => `resource-${encodeURIComponent(type)}/${name}`;
export const AUDIT_STREAM = "audit";
/** The log lines that belong to no run. */
export const EVENTS_STREAM = "events";

/** The store, which from now on refuses other types of events. */
export function withHistory(streams: Streams): Streams {
  return typed(streams, TYPES);
}

/**
 * Stores what happened, and changes the tables in the same transaction: nobody ever sees one without the other.
 *
 * @returns its position in the event store
 */
export async function record(tx: Transaction, tables: SQL, streamId: string, happened: HistoryEvent): Promise<number> {
  const { position } = await tx.write<HistoryEvent>(streamId, happened);
  await tables.run(changeOf(happened, position));
  return position;
}

/** Changes the tables as the event once did, when they are filled again. */
export async function replay(tables: SQL, { position, ...stored }: StoredEvent<HistoryEvent>): Promise<void> {
  await tables.run(changeOf(stored as HistoryEvent, position));
}

/** The tables are a function of the events: this one. */
function changeOf({ type, data }: HistoryEvent, position: number): SQLStatement {
  switch (type) {
    case "RunCreated":
      return insert(RUNS, { ...data, position });
    case "RunStatusChanged":
      return update(RUNS, data.id, data.changes);
    case "RunDeleted":
      return sql`DELETE FROM runs WHERE id = ${data.id}`;
    case "UnitPlanned":
      return insert(PLAN_UNITS, { ...data, position });
    case "UnitStatusChanged":
      return update(PLAN_UNITS, data.id, data.changes);
    case "EventLogged":
      return insert(EVENTS, { ...data, id: position });
    case "ResourceStateRecorded":
      return upsert(RESOURCE_STATE, data, ["resourceType", "resourceName"], ["id", "createdAt"]);
    case "AuditRecorded":
      return insert(AUDIT, { ...data, id: position });
  }
}
