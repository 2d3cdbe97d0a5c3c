import type { Streams } from "./store-backend.js";
import { AUDIT, EVENTS } from "./tables.js";
import { problemsOfLines } from "./verify-lines.js";
import { problemsOfResources } from "./verify-resources.js";
import { problemsOfRuns } from "./verify-runs.js";

/** What a check found. */
export interface StoreReport {
  readonly ok: boolean;
  readonly problems: readonly string[];
}

const MAX_PROBLEMS = 100;

/**
 * Checks each event with its checksum, and the tables against the events: no row was changed, is missing, or was added past the
 * store. Others may write meanwhile. Facts have no events, and are not checked. At most 100 problems are listed.
 */
export async function verifyStore(streams: Streams): Promise<StoreReport> {
  const { problems: ofEvents } = await streams.verify();
  const problems = ofEvents.map(({ kind, position, detail }) => `${kind} at ${position ?? "?"}: ${detail}`);
  for await (const problem of problemsOfTables(streams)) {
    if (problems.length >= MAX_PROBLEMS) break;
    problems.push(problem);
  }
  return { ok: problems.length === 0, problems };
}

async function* problemsOfTables(streams: Streams): AsyncGenerator<string> {
  yield* problemsOfLines(streams, EVENTS, "EventLogged");
  yield* problemsOfLines(streams, AUDIT, "AuditRecorded");
  yield* problemsOfRuns(streams);
  yield* problemsOfResources(streams);
}
