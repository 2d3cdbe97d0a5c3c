import type { AppendRequest } from "../../../protocols/index.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import type { AppendPlan } from "./append-plan.js";
import { insertStreams, insertTypes, type ReadNumbers } from "./append-statements.js";
import type { NewNames } from "./insert-with-names.js";
import { newStream, type StreamHead } from "./remembered-store.js";

/** The streams and the types of appends, each once. */
export function namesIn(requests: readonly AppendRequest[]): [streamIds: string[], types: string[]] {
  const streamIds = new Set(requests.map(({ streamId }) => streamId));
  const types = new Set<string>();
  for (const { events } of requests) for (const { type } of events) types.add(type);
  return [[...streamIds], [...types]];
}

/** The numbers of all names of a plan, and which of the names are new. */
export interface NamedPlan {
  readonly streams: ReadonlyMap<string, StreamHead>;
  readonly types: ReadonlyMap<string, number>;
  readonly newStreams: NewNames;
  readonly newTypes: NewNames;
}

/** Gives the next numbers to the names of a plan that have none; null when all have one. */
export function nameNew(plan: AppendPlan, { heads, types, nextStream, nextType }: ReadNumbers): NamedPlan | null {
  const newStreams = missing(plan.lastEvents.keys(), heads);
  const newTypes = missing(typesOf(plan), types);
  if (newStreams.length + newTypes.length === 0) return null;
  return {
    streams: new Map([...heads, ...newStreams.map((name, index) => [name, newStream(nextStream + index)] as const)]),
    types: new Map([...types, ...newTypes.map((name, index) => [name, nextType + index] as const)]),
    newStreams: { firstId: nextStream, names: newStreams },
    newTypes: { firstId: nextType, names: newTypes },
  };
}

/** Gives a number to the streams that get their first events. */
export async function numberStreams(
  connection: SQLiteConnection,
  { lastEvents }: AppendPlan,
  heads: ReadonlyMap<string, StreamHead>,
): Promise<ReadonlyMap<string, StreamHead>> {
  const newStreams = missing(lastEvents.keys(), heads);
  return newStreams.length === 0 ? heads : new Map([...heads, ...(await insertStreams(connection, newStreams))]);
}

/** Gives a number to the types that are new among the events to store. */
export async function numberTypes(
  connection: SQLiteConnection,
  plan: AppendPlan,
  numbers: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, number>> {
  const newTypes = missing(typesOf(plan), numbers);
  return newTypes.length === 0 ? numbers : new Map([...numbers, ...(await insertTypes(connection, newTypes))]);
}

function typesOf({ events }: AppendPlan): Set<string> {
  return new Set(events.map(({ event }) => event.type));
}

function missing(names: Iterable<string>, known: ReadonlyMap<string, unknown>): string[] {
  return [...names].filter((name) => !known.has(name));
}
