import { randomUUID } from "node:crypto";
import type { CandidateEvent, JsonObject } from "async-streams";
import { type HandleOptions, handle, MAX_ATTEMPTS } from "async-streams/commands";
import type { Database } from "./database.js";
import { documentErrors, documentMissing } from "./document-errors.js";
import { type DocumentState, documentFold } from "./document-fold.js";
import { streamOf } from "./document-stream.js";

/** What an edit does: the type of an event, and its own fields. */
export interface Edit {
  readonly eventType: string;
  readonly fields: JsonObject;
}

export interface EditOptions extends Pick<HandleOptions, "cache"> {
  readonly userId?: string;
  readonly sessionId?: string;
}

/**
 * Edits a document that others edit too. `decide` makes the edit of the document as it is. When somebody else was faster, it
 * is called again with what that one has made: the edit is rebased, and never lost. Its events are one group of undo.
 */
export async function editDocument(
  db: Database,
  documentId: string,
  decide: (state: DocumentState) => readonly Edit[] | Promise<readonly Edit[]>,
  { userId = "local-user", sessionId, cache }: EditOptions = {},
): Promise<DocumentState> {
  const undoGroupId = randomUUID();
  const who = { documentId, userId, ...(sessionId === undefined ? {} : { sessionId }) };
  const toEvent = ({ eventType, fields }: Edit): CandidateEvent => ({
    type: eventType,
    data: fields,
    metadata: { eventId: randomUUID(), timestamp: Date.now(), ...who, undoGroupId },
  });
  const decideEvents = async (state: DocumentState): Promise<CandidateEvent[]> => {
    if (!state.isCreated) throw documentMissing(documentId);
    return (await decide(state)).map(toEvent);
  };
  const options = { attempts: MAX_ATTEMPTS, cache };
  const handled = await handle(db, documentFold, streamOf(documentId), decideEvents, options).catch(
    documentErrors(documentId),
  );
  return handled.state;
}
