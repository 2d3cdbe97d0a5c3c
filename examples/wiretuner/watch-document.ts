import { loadState } from "async-streams/commands";
import { catchError, concat, defer, finalize, from, map, type Observable, of, scan, switchMap } from "rxjs";
import type { Database } from "./database.js";
import { documentErrors, documentMissing } from "./document-errors.js";
import { documentFold, replayFold } from "./document-fold.js";
import { sequenceOf, streamOf } from "./document-stream.js";
import type { VectorDocument } from "./vector-document.js";

/** A document as it is, and the sequence of the last event in it. */
export interface WatchedDocument {
  readonly document: VectorDocument;
  readonly latestSequence: number;
}

/** The document now, and after each event, whoever writes it. It fails with `DOCUMENT_MISSING` when there is none, or none any more. */
export function watchDocument(db: Database, documentId: string): Observable<WatchedDocument> {
  const streamId = streamOf(documentId);
  return defer(() => db.openStream(streamId)).pipe(
    switchMap((stream) =>
      from(loadState(db, replayFold(), streamId)).pipe(
        switchMap((loaded) => {
          if (!loaded.state.isCreated) throw documentMissing(documentId);
          const later = stream.watch({ after: loaded.version }).pipe(
            scan((before, event) => {
              if (event.type === "@deleted") throw documentMissing(documentId);
              return { state: documentFold.evolve(before.state, event), version: event.version };
            }, loaded),
          );
          return concat(of(loaded), later);
        }),
        finalize(() => void stream[Symbol.asyncDispose]()),
      ),
    ),
    catchError(documentErrors(documentId)),
    map(({ state, version }) => ({ document: state.document, latestSequence: sequenceOf(version) })),
  );
}
