import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import { reportGaps } from "../../../../src/adapter-kit/report-gaps.js";
import { contentChecksum, placeChecksum } from "../../checksum.js";
import type { PostgresConnection } from "../../client/client.js";
import type { StoreNames } from "../../open/schema.js";
import { isDamage } from "../../postgres-errors.js";
import { EVENT_COLUMNS, type EventRow, placedEventOf } from "../../read/event-row.js";
import { textOfHex } from "../../sql-text.js";
import type { CheckSession } from "../check-session.js";

/** A page has so many events, and behind so many bytes no further one. */
const PAGE_EVENTS = 1_024;
const PAGE_BYTES = 8 * 1024 * 1024;

/** Compares every event up to a position with its checksum, and looks for positions that are missing. */
export async function verifyEvents(
  session: CheckSession,
  names: StoreNames,
  upTo: number,
  problems: ProblemList,
  onChecked: (events: number) => void,
): Promise<void> {
  let place = 0;
  while (place < upTo && !problems.isFull) {
    const { rows, end, mayHaveGaps } = await readRows(session, names, [place, upTo], problems);
    for (const row of rows) verifyEvent(row, problems);
    if (!mayHaveGaps) reportGaps([...rows.map(({ position }) => position), end + 1], place, problems);
    place = end;
    onChecked(rows.length);
  }
}

interface Rows {
  readonly rows: readonly Row[];
  /** The last position that was looked at. */
  readonly end: number;
  /** Whether events were removed from the store: then what is missing is found by the versions of the streams. */
  readonly mayHaveGaps: boolean;
}

interface Row extends EventRow {
  readonly schema: string;
  readonly checksum: number;
  /** Null where the stream has no name. */
  readonly name: string | null;
  /** Whether the index of keys has its own key. */
  readonly isFiled: string;
}

async function readRows(
  session: CheckSession,
  names: StoreNames,
  [after, upTo]: readonly [number, number],
  problems: ProblemList,
): Promise<Rows> {
  try {
    return await session.step(async (connection) => {
      // Before the removal is asked for: one that comes in between makes gaps.
      const { rows, isCut } = await selectRows(connection, names, after, upTo);
      const end = isCut ? (rows.at(-1) as Row).position : upTo;
      return { rows, end, mayHaveGaps: await hasRemovals(connection, names) };
    });
  } catch (error) {
    if (!isDamage(error)) throw error;
    return readOneByOne(session, names, [after, Math.min(after + PAGE_EVENTS, upTo)], problems);
  }
}

async function hasRemovals(connection: PostgresConnection, { prefix }: StoreNames): Promise<boolean> {
  const { rows } = await connection.query({
    text: `SELECT FROM ${prefix}es_counters WHERE name = 'removal' AND value > 0`,
  });
  return rows.length > 0;
}

/** Where a page cannot be read, what lies around the damage can. */
async function readOneByOne(
  session: CheckSession,
  names: StoreNames,
  [after, end]: readonly [number, number],
  problems: ProblemList,
): Promise<Rows> {
  const rows: Row[] = [];
  for (let position = after + 1; position <= end && !problems.isFull; position += 1) {
    try {
      const read = await session.step((connection) => selectRows(connection, names, position - 1, position));
      rows.push(...read.rows);
    } catch (error) {
      if (!isDamage(error)) throw error;
      problems.add({ kind: "unreadable", position, detail: `The server cannot read it: ${String(error)}` });
    }
  }
  // A position that cannot be read is no gap.
  return { rows, end, mayHaveGaps: true };
}

async function selectRows(
  connection: PostgresConnection,
  { prefix }: StoreNames,
  after: number,
  upTo: number,
): Promise<{ readonly rows: readonly Row[]; readonly isCut: boolean }> {
  const { rows } = await connection.query<Row & { readonly total: number }>({
    name: "es_verify_events",
    text: `
      SELECT * FROM (
        SELECT *, sum(size) OVER (ORDER BY position ROWS UNBOUNDED PRECEDING)::bigint AS total FROM (
          SELECT ${EVENT_COLUMNS}, e.schema, e.checksum, s.name, (e.key IS NULL OR e.key = sha256(e.id)) AS "isFiled",
                 coalesce(octet_length(e.data), octet_length(e.bytes), 0) + coalesce(octet_length(e.metadata), 0) AS size
          FROM ${prefix}es_events e LEFT JOIN ${prefix}es_streams s ON s.id = e.stream
          WHERE e.position > $1::bigint AND e.position <= $2::bigint ORDER BY e.position LIMIT ${PAGE_EVENTS}
        ) e
      ) e WHERE total - size < ${PAGE_BYTES} ORDER BY position`,
    values: [after, upTo],
  });
  return { rows, isCut: rows.length === PAGE_EVENTS || (rows.at(-1)?.total ?? 0) >= PAGE_BYTES };
}

function verifyEvent(row: Row, problems: ProblemList): void {
  const { position, version, name } = row;
  const detail = name === null ? "its stream has no name" : problemOf(row, textOfHex(name));
  if (detail === null) return;
  const place = name === null ? { position, version } : { streamId: textOfHex(name), version, position };
  problems.add({ kind: "checksum", ...place, detail });
}

function problemOf(row: Row, streamId: string): string | null {
  const { position, version, timestamp, schema, checksum, isFiled } = row;
  const { event } = placedEventOf(row, streamId);
  const content = contentChecksum(event, streamId, timestamp, Number(schema));
  if ((content ^ placeChecksum(position, version)) !== checksum) {
    return "the event is not what its checksum was made of";
  }
  return isFiled === "t" ? null : "another key than its own is indexed";
}
