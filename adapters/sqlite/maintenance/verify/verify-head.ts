import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import type { SQLiteConnection } from "../../drivers/driver.js";
import { GONE } from "../../read/stream-figures.js";
import type { MaintenanceSession } from "../maintenance-session.js";

interface Head {
  /** The last position that was given. */
  readonly given: number | null;
  /** The last position that an event has. */
  readonly stored: number | null;
  readonly events: number;
  /** How many positions have no event any more, or were skipped; null where that cannot be told. */
  readonly gone: number | null;
  /** How many steps of removals there were. */
  readonly removals: number | null;
}

// One statement, and so one state of the store.
const READ_HEAD = `
  SELECT (SELECT seq FROM sqlite_sequence WHERE name = 'es_events') AS given,
         (SELECT max(position) FROM es_events) AS stored, (SELECT count(*) FROM es_events) AS events,
         ${GONE} AS gone, (SELECT value FROM es_counters WHERE name = 'removal') AS removals`;

async function readHead(connection: SQLiteConnection): Promise<Head> {
  const [row] = await connection.all<Head>(READ_HEAD);
  return row as Head;
}

/**
 * The last position that an event has. As long as nothing is removed, it must be the last one that was given. Later every
 * position that was given must have an event, or belong to one that was removed, or be one that a removal skipped.
 */
export function verifyHead(session: MaintenanceSession, problems: ProblemList): Promise<number> {
  return problems.reading("read where the store ends", 0, async () => {
    const head = await session.step(readHead);
    const detail = problemOf(head);
    if (detail !== null) problems.add({ kind: "head", position: head.stored ?? 0, detail });
    return head.stored ?? 0;
  });
}

function problemOf({ given, stored, events, gone, removals }: Head): string | null {
  const last = `the last event has position ${stored ?? 0}, and the last position given is ${given ?? "not known"}`;
  if (!removals) return given === (stored ?? 0) ? null : last;
  if (given === null || given < (stored ?? 0)) return last;
  if (gone !== null && events + gone === given) return null;
  return `${given} positions were given: ${events} have an event, and ${gone ?? "an unknown number"} were removed or skipped`;
}
