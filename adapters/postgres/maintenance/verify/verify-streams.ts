import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import type { PostgresConnection } from "../../client/client.js";
import type { StoreNames } from "../../open/schema.js";
import { textOfHex } from "../../sql-text.js";
import type { CheckSession } from "../check-session.js";

/** How many streams one step looks at. */
const STEP_STREAMS = 1_024;

interface WrongStream {
  readonly id: number;
  readonly name: string;
  readonly first: number;
  readonly removed: number;
  /** Of those that there are; null without events. */
  readonly firstVersion: number | null;
  readonly lastVersion: number;
  readonly events: number;
}

// A stream whose versions run from the first without gaps has as many events as its last version says. Where nothing was
// removed, no checksum of a removed event was taken note of.
function wrongStreamsSQL({ prefix }: StoreNames): string {
  return `
    SELECT s.id, s.name, s.first, s.removed, min(e.version) AS "firstVersion",
           coalesce(max(e.version), 0) AS "lastVersion", count(e.version) AS events
    FROM ${prefix}es_streams s LEFT JOIN ${prefix}es_events e ON e.stream = s.id
    WHERE s.id > $1::bigint AND s.id <= $2::bigint
    GROUP BY s.id
    HAVING count(e.version) = 0 OR count(e.version) <> max(e.version) - s.first + 1 OR min(e.version) < s.first
      OR (s.first = 1 AND s.removed <> 0)
    ORDER BY s.id`;
}

function firstMissingSQL({ prefix }: StoreNames): string {
  return `
    SELECT min(candidate) AS version
    FROM (
      SELECT $2::bigint AS candidate
      UNION ALL SELECT version + 1 FROM ${prefix}es_events WHERE stream = $1::bigint AND version >= $2::bigint
    ) candidates
    WHERE NOT EXISTS (SELECT FROM ${prefix}es_events WHERE stream = $1::bigint AND version = candidate)`;
}

/** Looks for versions that are missing in a stream, or are there although they were removed. */
export function verifyStreams(session: CheckSession, names: StoreNames, problems: ProblemList): Promise<void> {
  return problems.reading("go through the streams", undefined, async () => {
    const last = await session.step(async (connection) => {
      const text = `SELECT coalesce(max(id), 0) AS last FROM ${names.prefix}es_streams`;
      const { rows } = await connection.query<{ last: number }>({ text });
      return (rows[0] as { last: number }).last;
    });
    for (let after = 0; after < last && !problems.isFull; after += STEP_STREAMS) {
      await session.step((connection) => verifyRange(connection, names, after, problems));
    }
  });
}

async function verifyRange(
  connection: PostgresConnection,
  names: StoreNames,
  after: number,
  problems: ProblemList,
): Promise<void> {
  const { rows } = await connection.query<WrongStream>({
    text: wrongStreamsSQL(names),
    values: [after, after + STEP_STREAMS],
  });
  for (const stream of rows) {
    const place = await placeOf(connection, names, stream);
    problems.add({ kind: "gap", streamId: textOfHex(stream.name), ...place });
  }
}

interface WrongPlace {
  readonly version: number;
  readonly detail: string;
}

async function placeOf(connection: PostgresConnection, names: StoreNames, stream: WrongStream): Promise<WrongPlace> {
  const { id, first, firstVersion, events, lastVersion, removed } = stream;
  if (firstVersion === null)
    return { version: first, detail: "none of its events is there, and the last one always stays" };
  if (firstVersion < first) {
    const detail = `version ${firstVersion} is there, and the stream is said to begin at version ${first}`;
    return { version: firstVersion, detail };
  }
  const { rows } = await connection.query<{ version: number }>({ text: firstMissingSQL(names), values: [id, first] });
  const { version } = rows[0] as { version: number };
  if (version > lastVersion) {
    const detail = `no event is said to be removed, and ${removed} to be the xor of the checksums of those that were`;
    return { version: first, detail };
  }
  const from = first === 1 ? "" : `begins at version ${first}, `;
  const detail = `version ${version} is missing: the stream ${from}has ${events} events and ends at version ${lastVersion}`;
  return { version, detail };
}
