import { randomUUID } from "node:crypto";
import { type SQLStatement, sql } from "async-streams";
import type { Database } from "./database.js";
import { documentMissing } from "./document-errors.js";

/** A user's work on a document, from opening to closing it. */
export interface Session {
  readonly sessionId: string;
  readonly documentId: string;
  readonly userId: string;
}

/** @throws DocumentError `DOCUMENT_MISSING` when the document is not there, or was deleted */
export async function startSession(db: Database, documentId: string, userId = "local-user"): Promise<Session> {
  const sessionId = randomUUID();
  const insert = sql`
    INSERT INTO sessions (session_id, document_id, user_id, started_at)
    SELECT ${sessionId}, document_id, ${userId}, ${Date.now()} FROM metadata WHERE document_id = ${documentId}`;
  const { changes } = await db.transaction((tx) => tx.sql.run(insert));
  if (changes === 0) throw documentMissing(documentId);
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
