import { isStreamError } from "async-streams";
import { checkDocumentId, checkObject } from "./check-arguments.js";
import type { Database } from "./database.js";
import { DocumentError } from "./document-errors.js";
import { streamOf } from "./document-stream.js";
import type { DocumentCreated } from "./metadata.js";
import { MigrationRunner } from "./migration-runner.js";

/**
 * Creates a document: its first event and its row in the metadata table, in one transaction.
 *
 * @throws TypeError when its id or its title is no text
 */
export async function createDocument(
  db: Database,
  document: { readonly documentId: string; readonly title: string },
): Promise<void> {
  checkObject("document", document);
  const { documentId, title } = document;
  checkDocumentId(documentId);
  if (typeof title !== "string") throw new TypeError("title must be a text.");
  await using stream = await db.openStream<DocumentCreated>(streamOf(documentId));
  const data = { title, formatVersion: MigrationRunner.currentVersion };
  try {
    await stream.write({ type: "DocumentCreated", data }, { expectedVersion: 0 });
  } catch (error) {
    if (isStreamError(error, "CONCURRENCY_CONFLICT")) throw documentExists(documentId, "already exists", error);
    if (isStreamError(error, "STREAM_DELETED")) throw documentExists(documentId, "was deleted", error);
    throw error;
  }
}

/**
 * Deletes a document with its events, snapshots and metadata. The tombstone and the row go together; what a crash leaves of
 * the events is removed when the file is opened again. A document that is not there is left alone.
 */
export async function deleteDocument(db: Database, documentId: string): Promise<void> {
  if ((await db.describeStream(streamOf(documentId))) === null) return;
  // Caches that are behind need none of its events: the tombstone tells them that it is gone.
  await db.deleteStream(streamOf(documentId), { force: true });
}

function documentExists(documentId: string, what: string, cause: unknown): DocumentError {
  return new DocumentError("DOCUMENT_EXISTS", [`Document "${documentId}" ${what}. Create it with another id.`], {
    cause,
  });
}
