import type { JsonObject } from "async-streams";
import { type HistoryEvent, streamOfRun } from "./history.js";
import type { Streams } from "./store-backend.js";
import { PLAN_UNITS, RUNS, type Table } from "./tables.js";

/** What a row may be: null where there is none. */
type State = JsonObject | null;

/** The rows of a run by table and id, such as "runs r-1", each with what it has been since a position. */
export type RowStates = Map<string, State[]>;

/** What the tables had of a run at a position, and at any time after it: a row that is read meanwhile is one of these. */
export async function statesOfRun(streams: Streams, runId: string, since: number): Promise<RowStates> {
  const states: RowStates = new Map();
  await using stream = await streams.openStream<HistoryEvent>(streamOfRun(runId));
  const types = ["RunCreated", "RunStatusChanged", "RunDeleted", "UnitPlanned", "UnitStatusChanged"] as const;
  for await (const { position, ...event } of stream.read({ filter: [{ field: "type", op: "in", value: types }] })) {
    for (const [name, state] of changedRows(states, event as HistoryEvent, position)) {
      const former = position <= since ? [] : (states.get(name) ?? [null]);
      states.set(name, [...former, state]);
    }
  }
  return states;
}

export const nameOf = ({ name }: Table, id: unknown): string => `${name} ${id}`;

function changedRows(states: RowStates, { type, data }: HistoryEvent, position: number): [string, State][] {
  const changed = (table: Table, id: string, changes: JsonObject): [string, State] => {
    const name = nameOf(table, id);
    return [name, { ...states.get(name)?.at(-1), ...changes }];
  };
  switch (type) {
    case "RunCreated":
      return [[nameOf(RUNS, data.id), { ...data, position }]];
    case "UnitPlanned":
      return [[nameOf(PLAN_UNITS, data.id), { ...data, position }]];
    case "RunStatusChanged":
      return [changed(RUNS, data.id, data.changes)];
    case "UnitStatusChanged":
      return [changed(PLAN_UNITS, data.id, data.changes)];
    case "RunDeleted":
      return [...states.keys()].map((name) => [name, null]);
    default:
      return [];
  }
}
