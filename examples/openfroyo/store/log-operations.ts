import { sql } from "async-streams";
import { checkObject } from "./check-object.js";
import { EVENTS_STREAM, record, streamOfRun } from "./history.js";
import { isBehindId, listRows } from "./lists.js";
import type { EventLevel, LogEvent, NewLogEvent } from "./model.js";
import { timeText, toData, toRecord } from "./rows.js";
import type { Session } from "./session.js";
import { equalsIfGiven } from "./statements.js";
import { EVENTS } from "./tables.js";

/** What `listEvents` wants: all of it must hold. */
export interface EventFilter {
  readonly runId?: string | undefined;
  readonly planUnitId?: string | undefined;
  readonly level?: EventLevel | undefined;
  /** From this time on. */
  readonly since?: Date | undefined;
  /** Before this time. */
  readonly until?: Date | undefined;
  /** Only those after the one with this id. */
  readonly after?: number | undefined;
  /** At most 10,000. Default: all, and an error if there are more. */
  readonly limit?: number | undefined;
}

export function appendEvent(session: Session, given: NewLogEvent): Promise<LogEvent> {
  return session.change("append event", async (tx, tables) => {
    checkObject("event", given);
    const logged = { ...given, timestamp: given.timestamp ?? session.now() };
    const streamId = given.runId ? streamOfRun(given.runId) : EVENTS_STREAM;
    const { id: _, ...data } = toData(EVENTS, logged);
    return { ...logged, id: await record(tx, tables, streamId, { type: "EventLogged", data }) };
  });
}

/** In the order in which they were appended. */
export function listEvents(session: Session, filter: EventFilter): Promise<LogEvent[]> {
  return session.read("list events", async (all) => {
    checkObject("filter", filter);
    const { runId, planUnitId, level, since, until, after, limit } = filter;
    const where = [
      equalsIfGiven("run_id", runId),
      equalsIfGiven("plan_unit_id", planUnitId),
      equalsIfGiven("level", level),
      since && sql`timestamp >= ${timeText("since", since)}`,
      until && sql`timestamp < ${timeText("until", until)}`,
      isBehindId(after),
    ];
    const rows = await listRows(all, EVENTS, { where, orderBy: sql`id`, limit });
    return rows.map((row) => toRecord<LogEvent>(EVENTS, row));
  });
}
