import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import { reportGaps } from "../../../../src/adapter-kit/report-gaps.js";
import type { SQLiteConnection } from "../../drivers/driver.js";
import { isDamage } from "../../sqlite-errors.js";
import { type EventRow, isSound, namesOf, pageEnd, placedEventOf, selectRows } from "../event-rows.js";
import type { MaintenanceSession } from "../maintenance-session.js";

/** How much one step reads. */
const PAGE = { events: 1_024, bytes: 8 * 1024 * 1024 };

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
    if (!mayHaveGaps)
      reportGaps(
        rows.map(({ position }) => position),
        place,
        problems,
      );
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
      const end = await pageEnd(connection, after, upTo, PAGE);
      // Before the removal is asked for: one that comes in between makes gaps.
      const rows = await selectRows(connection, after, end);
      return { rows, end, mayHaveGaps: await hasRemovals(connection) };
    });
  } catch (error) {
    if (!isDamage(error)) throw error;
    return readOneByOne(session, after, Math.min(after + PAGE.events, upTo), problems);
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

function verifyEvent(row: EventRow, problems: ProblemList): void {
  const { position, version } = row;
  const names = namesOf(row);
  const { streamId, type } = names;
  if (streamId !== null && type !== null && isSound(row, placedEventOf(row, names))) return;
  const place = streamId === null ? { position, version } : { streamId, version, position };
  const missing = streamId === null ? "its stream has no name" : type === null ? "its type has no name" : undefined;
  problems.add({ kind: "checksum", ...place, detail: missing ?? "the event is not what its checksum was made of" });
}
