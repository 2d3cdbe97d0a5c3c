import { type StoredEvent, sql } from "async-streams";
import { type EventPage, eventPages, lastPosition } from "./event-pages.js";
import { type HistoryEvent, type RecordEvent, streamOfRun } from "./history.js";
import { isRowOf } from "./row-of-event.js";
import type { Row } from "./rows.js";
import { equals, isBetween, select } from "./statements.js";
import type { Streams } from "./store-backend.js";
import { PLAN_UNITS, type Table } from "./tables.js";

/** Twice what a page of events has: if there are more, so many rows have no event that the rest does not matter. */
const MAX_PAGE_ROWS = 2_000;

/** Compares an append-only table with its events. The id of a row is the position of its event. */
export async function* problemsOfLines(
  streams: Streams,
  table: Table,
  type: RecordEvent["type"],
): AsyncGenerator<string> {
  let end = 0;
  for await (const page of eventPages(streams, type)) {
    yield* problemsOfPage(streams, table, page);
    end = page.upTo;
  }
  yield* rowsBehind(streams, table, end);
}

async function* problemsOfPage(streams: Streams, table: Table, page: EventPage): AsyncGenerator<string> {
  const missing = new Map(page.events.map((event) => [event.position, event]));
  const first = page.after === 0 ? Number.MIN_SAFE_INTEGER : page.after + 1;
  const where = [isBetween("id", first, page.upTo)];
  const rows = await streams.query<Row>(select(table, { where, orderBy: sql`id`, limit: MAX_PAGE_ROWS }));
  for (const row of rows) {
    const position = Number(row.id);
    const event = missing.get(position);
    if (event === undefined) yield `${table.name} ${position} has no event`;
    else if (!isRowOf(table, row, { ...event.data, id: position })) yield `${table.name} ${position} was changed`;
    missing.delete(position);
  }
  for (const [position, event] of missing) {
    if (!(await wasDeleted(streams, event))) yield `${table.name} ${position} is missing`;
  }
}

/** A line of the log goes with its run, or the unit of it. */
async function wasDeleted(streams: Streams, { data, version }: StoredEvent<RecordEvent>): Promise<boolean> {
  if (typeof data.runId === "string") {
    await using run = await streams.openStream<HistoryEvent>(streamOfRun(data.runId));
    const filter = [{ field: "type", op: "=", value: "RunDeleted" }] as const;
    for await (const _ of run.read({ after: version, limit: 1, filter })) return true;
    return false;
  }
  if (typeof data.planUnitId !== "string") return false;
  const units = await streams.query(select(PLAN_UNITS, { where: [equals("id", data.planUnitId)] }));
  return units.length === 0;
}

/** Rows whose position the store has not come to. Those of events that were written meanwhile are right. */
async function* rowsBehind(streams: Streams, table: Table, end: number): AsyncGenerator<string> {
  const where = [sql`id > ${end}`];
  const rows = await streams.query<Row>(select(table, { where, orderBy: sql`id DESC`, limit: MAX_PAGE_ROWS }));
  const last = await lastPosition(streams);
  for (const { id } of rows) if (Number(id) > last) yield `${table.name} ${id} has no event`;
}
