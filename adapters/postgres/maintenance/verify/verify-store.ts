import type { VerifyOptions, VerifyReport } from "../../../../protocols/index.js";
import { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import type { StoreNames } from "../../open/schema.js";
import { isDamage } from "../../postgres-errors.js";
import { quoteName } from "../../sql-text.js";
import type { CheckSession } from "../check-session.js";
import { verifyEvents } from "./verify-events.js";
import { verifyHead } from "./verify-head.js";
import { verifyRecords } from "./verify-records.js";
import { verifySnapshots } from "./verify-snapshots.js";
import { verifyStreams } from "./verify-streams.js";

/** What a check needs to know of the store. */
export interface CheckedStore {
  readonly names: StoreNames;
  readonly applicationSchema: string;
}

/** Checks the content of each event, snapshot and record, and that none is missing. Pages and indexes are the server's to check. */
export async function verifyStore(
  session: CheckSession,
  { names, applicationSchema }: CheckedStore,
  onProgress: VerifyOptions["onProgress"],
): Promise<VerifyReport> {
  const problems = new ProblemList({ name: "The server", isDamage });
  const last = await verifyHead(session, names, problems);
  let checkedEvents = 0;
  await verifyEvents(session, names, last, problems, (events) => {
    checkedEvents += events;
    onProgress?.({ checkedEvents, totalEvents: last });
  });
  await verifyStreams(session, names, problems);
  await verifySnapshots(session, names, problems);
  await verifyRecords(session, names, problems);
  const applicationTables = await countTables(session, applicationSchema);
  return { ok: problems.found.length === 0, checkedEvents, applicationTables, problems: problems.found };
}

function countTables(session: CheckSession, schema: string): Promise<number> {
  return session.step(async (connection) => {
    const { rows } = await connection.query<{ tables: number }>({
      text: `SELECT count(*) AS tables FROM pg_class
             WHERE relnamespace = to_regnamespace($1) AND relkind IN ('r', 'p') AND NOT relispartition`,
      values: [quoteName(schema)],
    });
    return (rows[0] as { tables: number }).tables;
  });
}
