import { sql } from "async-streams";
import { checkObject } from "./check-object.js";
import { AUDIT_STREAM, record } from "./history.js";
import { isBehindId, listRows } from "./lists.js";
import type { AuditEntry, NewAuditEntry } from "./model.js";
import { toData, toRecord } from "./rows.js";
import type { Session } from "./session.js";
import { equalsIfGiven } from "./statements.js";
import { AUDIT } from "./tables.js";

/** What `listAuditEntries` wants: all of it must hold. */
export interface AuditFilter {
  readonly action?: string | undefined;
  readonly actor?: string | undefined;
  readonly targetId?: string | undefined;
  /** Only those after the one with this id. */
  readonly after?: number | undefined;
  /** At most 10,000. Default: all, and an error if there are more. */
  readonly limit?: number | undefined;
}

export function createAuditEntry(session: Session, given: NewAuditEntry): Promise<AuditEntry> {
  return session.change("create audit entry", async (tx, tables) => {
    checkObject("entry", given);
    const entry = { ...given, timestamp: given.timestamp ?? session.now() };
    const { id: _, ...data } = toData(AUDIT, entry);
    return { ...entry, id: await record(tx, tables, AUDIT_STREAM, { type: "AuditRecorded", data }) };
  });
}

/** In the order in which they were created. */
export function listAuditEntries(session: Session, filter: AuditFilter): Promise<AuditEntry[]> {
  return session.read("list audit entries", async (all) => {
    checkObject("filter", filter);
    const { action, actor, targetId, after, limit } = filter;
    const where = [
      equalsIfGiven("action", action),
      equalsIfGiven("actor", actor),
      equalsIfGiven("target_id", targetId),
      isBehindId(after),
    ];
    const rows = await listRows(all, AUDIT, { where, orderBy: sql`id`, limit });
    return rows.map((row) => toRecord<AuditEntry>(AUDIT, row));
  });
}
