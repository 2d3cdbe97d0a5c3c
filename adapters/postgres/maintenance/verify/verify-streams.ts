import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import { type WrongPlace, type WrongStream, wrongPlaceOf } from "../../../../src/adapter-kit/wrong-stream.js";
import type { PostgresConnection } from "../../client/client.js";
import type { StoreNames } from "../../open/schema.js";
import { textOfHex } from "../../sql-text.js";
import type { CheckSession } from "../check-session.js";

/** How many streams one step looks at. */
const STEP_STREAMS = 1_024;

interface Row extends Omit<WrongStream, "firstVersion"> {
  readonly id: number;
  readonly name: string;
  /** Null without events. */
  readonly firstVersion: number | null;
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

// Not a range of ids: one may be so large that nobody reaches it.
function stepEndSQL({ prefix }: StoreNames): string {
  return `
    SELECT max(id) AS last FROM (SELECT id FROM ${prefix}es_streams WHERE id > $1::bigint ORDER BY id LIMIT ${STEP_STREAMS}) ids`;
}

/** Looks for versions that are missing in a stream, or are there although they were removed. */
export function verifyStreams(session: CheckSession, names: StoreNames, problems: ProblemList): Promise<void> {
  return problems.reading("go through the streams", undefined, async () => {
    let after: number | null = 0;
    while (after !== null && !problems.isFull) {
      const before: number = after;
      after = await session.step((connection) => verifyStep(connection, names, before, problems));
    }
  });
}

/** @returns the last id that was looked at, null where there is none */
async function verifyStep(
  connection: PostgresConnection,
  names: StoreNames,
  after: number,
  problems: ProblemList,
): Promise<number | null> {
  const end = await connection.query<{ last: number | null }>({ text: stepEndSQL(names), values: [after] });
  const last = end.rows[0]?.last ?? null;
  if (last === null) return null;
  const { rows } = await connection.query<Row>({ text: wrongStreamsSQL(names), values: [after, last] });
  for (const stream of rows) {
    const place = await placeOf(connection, names, stream);
    problems.add({ kind: "gap", streamId: textOfHex(stream.name), ...place });
  }
  return last;
}

async function placeOf(connection: PostgresConnection, names: StoreNames, stream: Row): Promise<WrongPlace> {
  const { first, firstVersion } = stream;
  if (firstVersion === null)
    return { version: first, detail: "none of its events is there, and the last one always stays" };
  return wrongPlaceOf({ ...stream, firstVersion }, () => firstMissing(connection, names, stream));
}

async function firstMissing(connection: PostgresConnection, names: StoreNames, { id, first }: Row): Promise<number> {
  const { rows } = await connection.query<{ version: number }>({ text: firstMissingSQL(names), values: [id, first] });
  return (rows[0] as { version: number }).version;
}
