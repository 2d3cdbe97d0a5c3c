import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import { type WrongStream, wrongPlaceOf } from "../../../../src/adapter-kit/wrong-stream.js";
import type { SQLiteConnection } from "../../drivers/driver.js";
import type { MaintenanceSession } from "../maintenance-session.js";

/** How many streams one step looks at. */
const STEP_STREAMS = 1_024;

interface Row extends WrongStream {
  readonly id: number;
  /** As JSON. */
  readonly name: string;
}

// A stream whose versions run from the first without gaps has as many events as its last version says. Where nothing was
// removed, no checksum of a removed event was taken note of.
const WRONG_STREAMS = `
  SELECT s.id, json_quote(s.name) AS name, s.first, s.removed, min(e.version) AS firstVersion,
         max(e.version) AS lastVersion, count(e.version) AS events
  FROM es_streams AS s JOIN es_events AS e ON e.stream = s.id
  WHERE s.id > ?1 AND s.id <= ?2
  GROUP BY s.id HAVING events <> lastVersion - s.first + 1 OR firstVersion < s.first OR (s.first = 1 AND s.removed <> 0)`;

const FIRST_MISSING_VERSION = `
  SELECT min(candidate) AS version
  FROM (SELECT ?2 + 0 AS candidate UNION ALL SELECT version + 1 FROM es_events WHERE stream = ?1 AND version >= ?2)
  WHERE NOT EXISTS (SELECT 1 FROM es_events WHERE stream = ?1 AND version = candidate)`;

// Not a range of ids: a damaged one may be so large that nobody reaches it.
const STEP_END = `SELECT max(id) AS last FROM (SELECT id FROM es_streams WHERE id > ?1 ORDER BY id LIMIT ${STEP_STREAMS})`;

/** Looks for versions that are missing in a stream, or are there although they were removed. */
export function verifyStreams(session: MaintenanceSession, problems: ProblemList): Promise<void> {
  return problems.reading("go through the streams", undefined, async () => {
    let after = 0;
    while (!problems.isFull) {
      const last = await session.step((connection) => verifyStep(connection, after, problems));
      // In a damaged table what comes next may be what came before.
      if (last <= after) return;
      after = last;
    }
  });
}

/** @returns the last id that was looked at, 0 where there is none */
async function verifyStep(connection: SQLiteConnection, after: number, problems: ProblemList): Promise<number> {
  const [end] = await connection.all<{ last: number | null }>(STEP_END, [after]);
  const last = end?.last ?? 0;
  const streams = await connection.all<Row>(WRONG_STREAMS, [after, last]);
  for (const stream of streams) {
    const place = await wrongPlaceOf(stream, () => firstMissing(connection, stream));
    problems.add({ kind: "gap", streamId: JSON.parse(stream.name) as string, ...place });
  }
  return last;
}

async function firstMissing(connection: SQLiteConnection, { id, first }: Row): Promise<number> {
  const [row] = await connection.all<{ version: number }>(FIRST_MISSING_VERSION, [id, first]);
  return (row as { version: number }).version;
}
