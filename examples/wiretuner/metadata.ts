import { type DeletedEvent, type StoredEvent, sql } from "async-streams";
import type { Projection } from "async-streams/projections";
import type { Database } from "./database.js";
import { documentOf, streamOf } from "./document-stream.js";
import { deleteSessions } from "./sessions.js";

/** The first event of a document. Its sequences begin after it. */
export type DocumentCreated = {
  type: "DocumentCreated";
  data: { title: string; formatVersion: number };
};
type DocumentRenamed = { type: "RenameDocumentEvent"; data: { title: string } };
/** It has a title where the group that it undoes or redoes has changed the title. */
type GroupRestored = { type: "UndoEvent" | "RedoEvent"; data: { title?: string } };
type MetadataEvent = DocumentCreated | DocumentRenamed | GroupRestored | DeletedEvent;

/** A row of the metadata table. */
export interface DocumentMetadata {
  readonly documentId: string;
  readonly title: string;
  readonly formatVersion: number;
  readonly createdAt: Date;
  readonly modifiedAt: Date;
}

/**
 * The table `metadata`. It runs inline, so a document and its row come and go in one transaction: the tombstone of a deleted
 * document takes the row with it, and the document's rows of `sessions`.
 */
export const metadata: Projection<MetadataEvent> = {
  name: "metadata",
  types: ["DocumentCreated", "RenameDocumentEvent", "UndoEvent", "RedoEvent", "@deleted"],
  async tables({ sql: tables, table }) {
    await tables.run(sql`
      CREATE TABLE ${table("metadata")} (
        document_id TEXT PRIMARY KEY, title TEXT NOT NULL, format_version INTEGER NOT NULL, created_at INTEGER NOT NULL
      ) STRICT`);
  },
  async project(events, { sql: tables, table }) {
    for (const event of events) {
      const statement = statementFor(event, table("metadata"));
      if (statement !== undefined) await tables.run(statement);
      if (event.type === "@deleted") await tables.run(deleteSessions(documentOf(event.streamId)));
    }
  },
};

function statementFor(
  event: StoredEvent<MetadataEvent>,
  table: ReturnType<Parameters<typeof metadata.project>[1]["table"]>,
) {
  const documentId = documentOf(event.streamId);
  switch (event.type) {
    case "DocumentCreated": {
      const { title, formatVersion } = event.data;
      return sql`INSERT INTO ${table} VALUES (${documentId}, ${title}, ${formatVersion}, ${event.timestamp.getTime()})`;
    }
    case "RenameDocumentEvent":
    case "UndoEvent":
    case "RedoEvent": {
      const { title } = event.data;
      // A program that checks less may have stored another.
      if (typeof title !== "string") return undefined;
      return sql`UPDATE ${table} SET title = ${title} WHERE document_id = ${documentId}`;
    }
    case "@deleted":
      return sql`DELETE FROM ${table} WHERE document_id = ${documentId}`;
  }
}

/** A document's row, or null. It is modified when its last event is stored, so that no event has to change the row. */
export async function readMetadata(db: Database, documentId: string): Promise<DocumentMetadata | null> {
  const [row] = await db.query<{ title: string; format_version: number; created_at: number }>(
    sql`SELECT title, format_version, created_at FROM metadata WHERE document_id = ${documentId}`,
  );
  const stream = await db.describeStream(streamOf(documentId));
  if (row === undefined || stream?.lastTimestamp == null) return null;
  return {
    documentId,
    title: row.title,
    formatVersion: row.format_version,
    createdAt: new Date(row.created_at),
    modifiedAt: stream.lastTimestamp,
  };
}
