import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import { recordProblem } from "../../../../src/adapter-kit/record-problem.js";
import type { StoreNames } from "../../open/schema.js";
import { textOfHex } from "../../sql-text.js";
import type { CheckSession } from "../check-session.js";

/** How many records one step reads: values of 64 KiB at most. */
const STEP_RECORDS = 64;

/** Before all others: no hash is empty. */
const START = "\\x";

interface Row {
  readonly hash: string;
  readonly space: string;
  readonly key: string;
  readonly value: string;
  /** Whether it is found by its space and its key. */
  readonly isFiled: string;
}

/** Looks for records whose value is not the JSON of an object, or that are not found by their names. */
export function verifyRecords(session: CheckSession, { prefix }: StoreNames, problems: ProblemList): Promise<void> {
  const text = `
    SELECT hash, space, key, value,
           (hash = sha256(sha256(space) || sha256(key)) AND space_hash = sha256(space)) AS "isFiled"
    FROM ${prefix}es_records WHERE hash > $1::bytea ORDER BY hash LIMIT ${STEP_RECORDS}`;
  return problems.reading("go through the records", undefined, async () => {
    for (let place = START; !problems.isFull; ) {
      const { rows } = await session.step((connection) => connection.query<Row>({ text, values: [place] }));
      for (const row of rows) verifyRecord(row, problems);
      if (rows.length < STEP_RECORDS) return;
      place = (rows.at(-1) as Row).hash;
    }
  });
}

function verifyRecord({ isFiled, value, ...names }: Row, problems: ProblemList): void {
  const [space, key] = [textOfHex(names.space), textOfHex(names.key)];
  const problem = recordProblem({ space, key, value });
  if (problem !== null) problems.add(problem);
  const detail = `the record "${key}" of "${space}" is not found under its names`;
  if (isFiled !== "t") problems.add({ kind: "record", detail });
}
