import type { PlacedEvent } from "../../../../src/adapter-kit/placed-event.js";
import { eventChecksum } from "../../checksum.js";
import type { SQLiteConnection } from "../../drivers/driver.js";
import { formatUuid } from "../../read/event-page.js";
import { isDamage } from "../../sqlite-errors.js";
import type { MaintenanceSession } from "../maintenance-session.js";
import type { ProblemList } from "./problem-list.js";

/** A step reads so many events, and behind so many bytes no further one. */
const PAGE_EVENTS = 1_024;
const PAGE_BYTES = 8 * 1024 * 1024;

/** Compares every event up to a position with its checksum, where it has one, and looks for positions that are missing. */
export async function verifyEvents(
  session: MaintenanceSession,
  upTo: number,
  problems: ProblemList,
  onChecked: (events: number) => void,
): Promise<void> {
  let place = 0;
  while (place < upTo && !problems.isFull) {
    const { rows, end, mayHaveGaps } = await readRows(session, place, upTo, problems);
    for (const row of rows) verifyEvent(row, problems);
    if (!mayHaveGaps) reportGaps(rows, place, problems);
    place = end;
    onChecked(rows.length);
  }
}

interface Rows {
  readonly rows: readonly EventRow[];
  /** The last position that was looked at. */
  readonly end: number;
  /** Whether events were removed from the store: then what is missing is found by the versions of the streams. */
  readonly mayHaveGaps: boolean;
}

async function readRows(
  session: MaintenanceSession,
  after: number,
  upTo: number,
  problems: ProblemList,
): Promise<Rows> {
  try {
    return await session.step(async (connection) => {
      const end = await pageEnd(connection, after, upTo);
      // Before the removal is asked for: one that comes in between makes gaps.
      const rows = await selectRows(connection, after, end);
      return { rows, end, mayHaveGaps: await hasRemovals(connection) };
    });
  } catch (error) {
    if (!isDamage(error)) throw error;
    return readOneByOne(session, after, Math.min(after + PAGE_EVENTS, upTo), problems);
  }
}

const HAS_REMOVALS = "SELECT EXISTS (SELECT 1 FROM es_counters WHERE name = 'removal' AND value > 0) AS isFound";

async function hasRemovals(connection: SQLiteConnection): Promise<boolean> {
  const [row] = await connection.all<{ isFound: number }>(HAS_REMOVALS);
  return row?.isFound === 1;
}

/** Where a page cannot be read, what lies around the damage can. */
async function readOneByOne(
  session: MaintenanceSession,
  after: number,
  end: number,
  problems: ProblemList,
): Promise<Rows> {
  const rows: EventRow[] = [];
  for (let position = after + 1; position <= end && !problems.isFull; position += 1) {
    try {
      rows.push(...(await session.step((connection) => selectRows(connection, position - 1, position))));
    } catch (error) {
      if (!isDamage(error)) throw error;
      problems.add({ kind: "unreadable", position, detail: `SQLite cannot read it: ${String(error)}` });
    }
  }
  return { rows, end, mayHaveGaps: await session.step(hasRemovals) };
}

const PAGE_END = `
  SELECT max(position) AS place FROM (
    SELECT position, sum(octet_length(data)) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING)
                       - octet_length(data) AS bytesBefore
    FROM es_events WHERE position > ?1 AND position <= ?2 ORDER BY position LIMIT ${PAGE_EVENTS}
  ) WHERE bytesBefore < ${PAGE_BYTES}`;

async function pageEnd(connection: SQLiteConnection, after: number, upTo: number): Promise<number> {
  const [row] = await connection.all<{ place: number | null }>(PAGE_END, [after, upTo]);
  const place = row?.place ?? upTo;
  // In a damaged table what comes next may be what came before: then only this far is looked at.
  return place > after ? place : after + 1;
}

interface EventRow {
  readonly position: number;
  readonly version: number;
  readonly timestamp: number;
  readonly schema: number;
  readonly codec: number;
  /** The stream's id, the type and the key, as far as there are any. */
  readonly names: string;
  readonly uuid: string | null;
  readonly data: string | Uint8Array;
  readonly metadata: string | null;
  /** Null in what was written without. */
  readonly checksum: number | null;
}

const SELECT_ROWS = `
  SELECT e.position, e.version, e.timestamp, e.schema, e.codec,
         json_array(s.name, t.name, CASE typeof(e.id) WHEN 'text' THEN e.id END) AS names,
         CASE typeof(e.id) WHEN 'blob' THEN hex(e.id) END AS uuid,
         e.data, e.metadata, e.checksum
  FROM es_events AS e LEFT JOIN es_streams AS s ON s.id = e.stream LEFT JOIN es_types AS t ON t.id = e.type
  WHERE e.position > ?1 AND e.position <= ?2
  ORDER BY e.position`;

function selectRows(connection: SQLiteConnection, after: number, upTo: number): Promise<EventRow[]> {
  return connection.all<EventRow>(SELECT_ROWS, [after, upTo]);
}

function verifyEvent(row: EventRow, problems: ProblemList): void {
  const { position, version } = row;
  const [streamId, type, key] = JSON.parse(row.names) as [string | null, string | null, string | null];
  const isNamed = streamId !== null && type !== null;
  if (isNamed && (row.checksum === null || checksumOf(row, streamId, type, key) === row.checksum)) return;
  const place = streamId === null ? { position, version } : { streamId, version, position };
  const missing = streamId === null ? "its stream has no name" : type === null ? "its type has no name" : undefined;
  problems.add({ kind: "checksum", ...place, detail: missing ?? "the event is not what its checksum was made of" });
}

function checksumOf(row: EventRow, streamId: string, type: string, key: string | null): number {
  const { uuid, version, position, timestamp: timestampMs } = row;
  const id = key ?? formatUuid(uuid ?? "");
  const event = { id, idempotencyKey: key, type, data: row.data, metadata: row.metadata };
  const placed: PlacedEvent = { event, streamId, version, position, timestampMs };
  return eventChecksum(placed, row.codec, row.schema);
}

/** As long as nothing is removed, positions have no gaps, although readers are promised only that they grow. */
function reportGaps(rows: readonly EventRow[], after: number, problems: ProblemList): void {
  let last = after;
  for (const { position } of rows) {
    if (position > last + 1) reportGap(last + 1, position - 1, problems);
    last = position;
  }
}

function reportGap(first: number, last: number, problems: ProblemList): void {
  const positions = first === last ? `position ${first}` : `positions ${first} to ${last}`;
  problems.add({ kind: "gap", position: first, detail: `${positions} of the store: no event is there` });
}
