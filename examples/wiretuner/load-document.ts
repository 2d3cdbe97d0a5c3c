import type { EventShape } from "async-streams";
import { type Fold, loadState } from "async-streams/commands";
import { checkObject, checkSequence } from "./check-arguments.js";
import type { Database } from "./database.js";
import { documentErrors, documentMissing } from "./document-errors.js";
import { type DocumentState, replayFold } from "./document-fold.js";
import { sequenceOf, streamOf, versionOf } from "./document-stream.js";
import { saveDueSnapshots } from "./snapshots.js";
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

/**
 * Loads a document from the newest snapshot at or before its sequence, and the events after that. A snapshot that a killed
 * process has not saved is saved now, so that the next load is short.
 */
export async function loadDocument(
  db: Database,
  documentId: string,
  options: LoadDocumentOptions = {},
): Promise<LoadedDocument> {
  checkObject("options", options);
  const { atSequence = Number.POSITIVE_INFINITY } = options;
  checkSequence("atSequence", atSequence);
  let replayedEvents = 0;
  const fold = replayFold();
  const counting: Fold<DocumentState, EventShape> = {
    ...fold,
    evolve(state, event) {
      if (event.type !== "DocumentCreated") replayedEvents += 1;
      return fold.evolve(state, event);
    },
  };
  const streamId = streamOf(documentId);
  const latest = (await db.describeStream(streamId))?.version ?? 0;
  // At a version, the library saves no snapshot of its own, which would be between two multiples of the interval.
  const atVersion = Math.min(versionOf(Math.max(atSequence, -1)), latest);
  const { state, version } = await loadState(db, counting, streamId, { atVersion }).catch(documentErrors(documentId));
  if (!state.isCreated) throw documentMissing(documentId);
  if (version === latest) {
    await using stream = await db.openStream(streamId);
    await saveDueSnapshots(db, stream, { after: version - replayedEvents, upTo: version });
  }
  return { document: state.document, latestSequence: sequenceOf(version), replayedEvents };
}
