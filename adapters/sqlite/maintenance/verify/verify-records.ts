import { compareCodePoints } from "../../../../src/adapter-kit/code-point-order.js";
import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import { recordProblem } from "../../../../src/adapter-kit/record-problem.js";
import { COPY_SPACE } from "../../../../src/copy/copy-note.js";
import type { MaintenanceSession } from "../maintenance-session.js";

/** How many records one step reads: values of 64 KiB at most. */
const STEP_RECORDS = 64;

// A space or a key that is no text is a problem of the structure, and found there.
const READ = `
  SELECT json_array(r.space, r.key) AS names, r.value FROM es_records AS r
  WHERE typeof(r.space) = 'text' AND typeof(r.key) = 'text' AND (r.space, r.key) > (?1, ?2)
  ORDER BY r.space, r.key LIMIT ${STEP_RECORDS}`;

interface Row {
  /** The space and the key, as JSON. */
  readonly names: string;
  readonly value: unknown;
}

// The revision of a copy's note means nothing.
const REVISIONS = `
  SELECT (SELECT value FROM es_counters WHERE name = 'revision') AS given, max(revision) AS last
  FROM es_records WHERE space <> '${COPY_SPACE}'`;

interface Revisions {
  /** The last one that was given; null where that is not known. */
  readonly given: number | null;
  /** The last one that a record has. */
  readonly last: number | null;
}

/** Looks for records whose value is not the JSON of an object, and for a counter by which a revision would come again. */
export function verifyRecords(session: MaintenanceSession, problems: ProblemList): Promise<void> {
  return problems.reading("go through the records", undefined, async () => {
    const [revisions] = await session.step((connection) => connection.all<Revisions>(REVISIONS));
    const { given, last } = revisions as Revisions;
    if (given === null || given < (last ?? 0)) {
      const detail = `a record has revision ${last ?? 0}, and the last revision given is ${given ?? "not known"}`;
      problems.add({ kind: "record", detail });
    }
    let place: Place = ["", ""];
    while (!problems.isFull) {
      const rows = await session.step((connection) => connection.all<Row>(READ, place));
      for (const { names, value } of rows) {
        const next = JSON.parse(names) as Place;
        // In a damaged table what comes next may be what came before.
        if (!isBehind(next, place)) return problems.add({ kind: "unreadable", detail: "the records are not in order" });
        place = next;
        const problem = recordProblem({ space: place[0], key: place[1], value });
        if (problem !== null) problems.add(problem);
      }
      if (rows.length < STEP_RECORDS) return;
    }
  });
}

type Place = [space: string, key: string];

function isBehind(place: Place, other: Place): boolean {
  return (compareCodePoints(place[0], other[0]) || compareCodePoints(place[1], other[1])) > 0;
}
