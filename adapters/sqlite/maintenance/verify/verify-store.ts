import type { VerifyOptions, VerifyReport } from "../../../../protocols/index.js";
import { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import type { SQLiteDriver } from "../../drivers/driver.js";
import { isDamage } from "../../sqlite-errors.js";
import { findLost } from "../acknowledged-position.js";
import type { AcknowledgedEvent, AcknowledgedPositionFile } from "../acknowledged-position-file.js";
import type { MaintenanceSession } from "../maintenance-session.js";
import { verifyEvents } from "./verify-events.js";
import { verifyHead } from "./verify-head.js";
import { verifyRecords } from "./verify-records.js";
import { verifySnapshots } from "./verify-snapshots.js";
import { verifyStreams } from "./verify-streams.js";
import { verifyStructure } from "./verify-structure.js";

/** Checks the whole store, from its structure to the content of each event, snapshot and record. */
export async function verifyStore(
  session: MaintenanceSession,
  driver: SQLiteDriver,
  acknowledgedFile: AcknowledgedPositionFile | undefined,
  onProgress: VerifyOptions["onProgress"],
): Promise<VerifyReport> {
  const problems = new ProblemList({ name: "SQLite", isDamage });
  // Before the store is read: what was acknowledged by now has to be in it.
  const acknowledged = await readAcknowledged(acknowledgedFile, problems);
  const last = await verifyHead(session, problems);
  await verifyAcknowledged(session, acknowledged, last, problems);
  const applicationTables = await verifyStructure(session, driver, problems);
  let checkedEvents = 0;
  await verifyEvents(session, last, problems, (events) => {
    checkedEvents += events;
    onProgress?.({ checkedEvents, totalEvents: last });
  });
  await verifyStreams(session, problems);
  await verifySnapshots(session, problems);
  await verifyRecords(session, problems);
  return { ok: problems.found.length === 0, checkedEvents, applicationTables, problems: problems.found };
}

async function readAcknowledged(
  file: AcknowledgedPositionFile | undefined,
  problems: ProblemList,
): Promise<readonly AcknowledgedEvent[]> {
  try {
    return (await file?.read()) ?? [];
  } catch (error) {
    const detail = `what was acknowledged last is not known: ${(error as Error).message}; remove what is there`;
    problems.add({ kind: "head", detail });
    return [];
  }
}

/** The events that were recorded as acknowledged, which must be there. */
async function verifyAcknowledged(
  session: MaintenanceSession,
  acknowledged: readonly AcknowledgedEvent[],
  last: number,
  problems: ProblemList,
): Promise<void> {
  const lost = await session
    .step((connection) => findLost(connection, acknowledged))
    .catch((error: unknown) => {
      if (isDamage(error)) return acknowledged.at(-1) ?? null;
      throw error;
    });
  if (lost === null) return;
  const { position } = lost;
  const found = position > last ? `the store ends at ${last}` : "another event has its place";
  const cause = "the store went back: its log was cut, or an older copy was put in its place";
  problems.add({ kind: "head", position, detail: `an event at ${position} was acknowledged, and ${found}; ${cause}` });
}
