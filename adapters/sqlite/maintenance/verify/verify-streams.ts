import type { SQLiteConnection } from "../../drivers/driver.js";
import type { MaintenanceSession } from "../maintenance-session.js";
import type { ProblemList } from "./problem-list.js";

/** How many streams one step looks at. */
const STEP_STREAMS = 1_024;

interface IncompleteStream {
  readonly id: number;
  /** As JSON. */
  readonly name: string;
  readonly events: number;
  readonly lastVersion: number;
}

// A stream whose versions run from 1 without gaps has as many events as its last version says.
const INCOMPLETE_STREAMS = `
  SELECT s.id, json_quote(s.name) AS name, count(e.version) AS events, max(e.version) AS lastVersion
  FROM es_streams AS s JOIN es_events AS e ON e.stream = s.id
  WHERE s.id > ?1 AND s.id <= ?2
  GROUP BY s.id HAVING events <> lastVersion`;

const FIRST_MISSING_VERSION = `
  SELECT min(candidate) AS version
  FROM (SELECT 1 AS candidate UNION ALL SELECT version + 1 FROM es_events WHERE stream = ?1)
  WHERE NOT EXISTS (SELECT 1 FROM es_events WHERE stream = ?1 AND version = candidate)`;

/** Looks for versions that are missing in a stream. */
export function verifyStreams(session: MaintenanceSession, problems: ProblemList): Promise<void> {
  return problems.reading("go through the streams", undefined, async () => {
    const [row] = await session.step((connection) =>
      connection.all<{ last: number | null }>("SELECT max(id) AS last FROM es_streams"),
    );
    const last = row?.last ?? 0;
    for (let after = 0; after < last && !problems.isFull; after += STEP_STREAMS) {
      await session.step((connection) => verifyRange(connection, after, problems));
    }
  });
}

async function verifyRange(connection: SQLiteConnection, after: number, problems: ProblemList): Promise<void> {
  const streams = await connection.all<IncompleteStream>(INCOMPLETE_STREAMS, [after, after + STEP_STREAMS]);
  for (const { id, name, events, lastVersion } of streams) {
    const [row] = await connection.all<{ version: number }>(FIRST_MISSING_VERSION, [id]);
    const { version } = row as { version: number };
    const detail = `version ${version} is missing: the stream has ${events} events and ends at version ${lastVersion}`;
    problems.add({ kind: "gap", streamId: JSON.parse(name) as string, version, detail });
  }
}
