import { type JsonObject, type StoredEvent, sql } from "async-streams";
import type { HistoryEvent } from "./history.js";
import { hashOf } from "./resource-operations.js";
import { columnOf, type Row, toSQL } from "./rows.js";
import { isBetween, select } from "./statements.js";
import type { Streams } from "./store-backend.js";
import { AUDIT, EVENTS, RESOURCE_STATE, type Table } from "./tables.js";

/** What a check found. */
export interface StoreReport {
  readonly ok: boolean;
  readonly problems: readonly string[];
}

const MAX_PROBLEMS = 100;
const PAGE_EVENTS = 1_000;

/**
 * Checks each event with its checksum, each row of the log and of the audit trail against its event, and each resource state
 * with its hash. At most 100 problems are listed.
 */
export async function verifyStore(streams: Streams): Promise<StoreReport> {
  const { problems: ofEvents } = await streams.verify();
  const problems = ofEvents.map(({ kind, position, detail }) => `${kind} at ${position ?? "?"}: ${detail}`);
  for await (const problem of problemsOfTables(streams)) {
    if (problems.length >= MAX_PROBLEMS) break;
    problems.push(problem);
  }
  return { ok: problems.length === 0, problems };
}

async function* problemsOfTables(streams: Streams): AsyncGenerator<string> {
  await using all = await streams.openStream<HistoryEvent>("@all");
  let page: StoredEvent<HistoryEvent>[] = [];
  const filter = [{ field: "type", op: "in", value: ["EventLogged", "AuditRecorded"] }] as const;
  for await (const event of all.read({ filter })) {
    page.push(event);
    if (page.length < PAGE_EVENTS) continue;
    yield* problemsOfPage(streams, page);
    page = [];
  }
  yield* problemsOfPage(streams, page);
  for (const row of await streams.query<Row>(select(RESOURCE_STATE, { orderBy: sql`id` }))) {
    if (hashOf(String(row.state)) !== row.hash) yield `resource_state ${row.id} is not what its hash says`;
  }
}

async function* problemsOfPage(streams: Streams, page: readonly StoredEvent<HistoryEvent>[]): AsyncGenerator<string> {
  const [first, last] = [page[0], page.at(-1)];
  if (first === undefined || last === undefined) return;
  for (const [table, type] of [
    [EVENTS, "EventLogged"],
    [AUDIT, "AuditRecorded"],
  ] as const) {
    const where = [isBetween("id", first.position, last.position)];
    const rows = await streams.query<Row>(select(table, { where }));
    const found = new Map(rows.map((row) => [Number(row.id), row]));
    for (const { position, data, type: stored } of page) {
      if (stored !== type) continue;
      const row = found.get(position);
      found.delete(position);
      // Those of a deleted run are gone with it.
      if (row === undefined && table === AUDIT) yield `audit ${position} is missing`;
      else if (row !== undefined && !isRowOf(table, row, data)) yield `${table.name} ${position} was changed`;
    }
    for (const position of found.keys()) yield `${table.name} ${position} has no event`;
  }
}

/** Compares texts: what was changed by hand need not be readable. */
function isRowOf({ columns }: Table, row: Row, data: JsonObject): boolean {
  const fields = Object.entries(columns).filter(([field]) => field !== "id");
  return fields.every(([field, kind]) => row[columnOf(field)] === toSQL(kind, data[field]));
}
