import { sql } from "async-streams";
import { eventPages, lastPosition } from "./event-pages.js";
import { type HistoryEvent, streamOfRun } from "./history.js";
import { pagesOf } from "./lists.js";
import { isRowOf } from "./row-of-event.js";
import type { Row } from "./rows.js";
import { equals, select } from "./statements.js";
import { nameOf, statesOfRun } from "./states-of-run.js";
import type { Streams } from "./store-backend.js";
import { PLAN_UNITS, RUNS } from "./tables.js";

/** Compares runs and their units with their events, run by run. */
export async function* problemsOfRuns(streams: Streams): AsyncGenerator<string> {
  for await (const { events } of eventPages(streams, "RunCreated")) {
    for (const { data } of events) yield* problemsOfRun(streams, String(data.id));
  }
  const page = (last: Row | undefined, limit: number) =>
    select(RUNS, { where: [last && sql`id > ${last.id ?? null}`], orderBy: sql`id`, limit });
  for await (const rows of pagesOf((statement) => streams.query<Row>(statement), page)) {
    for (const { id } of rows) if (!(await wasCreated(streams, String(id)))) yield `${nameOf(RUNS, id)} has no event`;
  }
}

async function* problemsOfRun(streams: Streams, runId: string): AsyncGenerator<string> {
  const since = await lastPosition(streams);
  const runs = await streams.query<Row>(select(RUNS, { where: [equals("id", runId)] }));
  const units = await streams.query<Row>(select(PLAN_UNITS, { where: [equals("run_id", runId)] }));
  const missing = await statesOfRun(streams, runId, since);
  const rows = [...runs.map((row) => ({ table: RUNS, row })), ...units.map((row) => ({ table: PLAN_UNITS, row }))];
  for (const { table, row } of rows) {
    const name = nameOf(table, row.id);
    const states = missing.get(name)?.filter((state) => state !== null) ?? [];
    if (states.length === 0) yield `${name} has no event`;
    else if (!states.some((state) => isRowOf(table, row, state))) yield `${name} was changed`;
    missing.delete(name);
  }
  for (const [name, states] of missing) if (!states.includes(null)) yield `${name} is missing`;
}

async function wasCreated(streams: Streams, runId: string): Promise<boolean> {
  await using stream = await streams.openStream<HistoryEvent>(streamOfRun(runId));
  const filter = [{ field: "type", op: "=", value: "RunCreated" }] as const;
  for await (const _ of stream.read({ filter, limit: 1 })) return true;
  return false;
}
