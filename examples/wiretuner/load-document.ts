import type { EventShape } from "async-streams";
import { type Fold, loadState } from "async-streams/commands";
import type { Database } from "./database.js";
import { documentErrors, documentMissing } from "./document-errors.js";
import { type DocumentState, replayFold } from "./document-fold.js";
import { sequenceOf, streamOf, versionOf } from "./document-stream.js";
import type { VectorDocument } from "./vector-document.js";

export interface LoadedDocument {
  readonly document: VectorDocument;
  /** The sequence of the last event in it; -1 without any. */
  readonly latestSequence: number;
  /** How many events were read beyond the snapshot. */
  readonly replayedEvents: number;
}

export interface LoadDocumentOptions {
  /** The event to stop after. Default: the last one. */
  readonly atSequence?: number;
}

/** Loads a document from the newest snapshot at or before its sequence, and the events after that. */
export async function loadDocument(
  db: Database,
  documentId: string,
  { atSequence }: LoadDocumentOptions = {},
): Promise<LoadedDocument> {
  let replayedEvents = 0;
  const fold = replayFold();
  const counting: Fold<DocumentState, EventShape> = {
    ...fold,
    evolve(state, event) {
      if (event.type !== "DocumentCreated") replayedEvents += 1;
      return fold.evolve(state, event);
    },
  };
  const options = atSequence === undefined ? {} : { atVersion: versionOf(atSequence) };
  const { state, version } = await loadState(db, counting, streamOf(documentId), options).catch(
    documentErrors(documentId),
  );
  if (!state.isCreated) throw documentMissing(documentId);
  return { document: state.document, latestSequence: sequenceOf(version), replayedEvents };
}
