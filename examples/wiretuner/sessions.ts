import { randomUUID } from "node:crypto";
import { type SQLStatement, sql } from "async-streams";
import type { Database } from "./database.js";

/** A user's work on a document, from opening to closing it. */
export interface Session {
  readonly sessionId: string;
  readonly documentId: string;
  readonly userId: string;
}

export async function startSession(db: Database, documentId: string, userId = "local-user"): Promise<Session> {
  const sessionId = randomUUID();
  const insert = sql`
    INSERT INTO sessions (session_id, document_id, user_id, started_at)
    VALUES (${sessionId}, ${documentId}, ${userId}, ${Date.now()})`;
  await db.transaction((tx) => tx.sql.run(insert));
  return { sessionId, documentId, userId };
}

export async function endSession(db: Database, { sessionId }: Session): Promise<void> {
  const update = sql`UPDATE sessions SET ended_at = ${Date.now()} WHERE session_id = ${sessionId}`;
  await db.transaction((tx) => tx.sql.run(update));
}

/** The statement that removes what a deleted document leaves. */
export function deleteSessions(documentId: string): SQLStatement {
  return sql`DELETE FROM sessions WHERE document_id = ${documentId}`;
}
