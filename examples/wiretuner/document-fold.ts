import type { EventShape, StoredEvent } from "async-streams";
import type { Fold } from "async-streams/commands";
import { Draft } from "./draft.js";
import { type EditGroup, type EditHistory, NO_HISTORY, redone, undone, withEdit } from "./edit-history.js";
import { editPaths, restoredPathsOf, restorePaths } from "./edit-paths.js";
import { type Artboard, EMPTY_DOCUMENT, type VectorDocument, type Viewport } from "./vector-document.js";

/** What the events of a document come to. */
export interface DocumentState {
  readonly isCreated: boolean;
  readonly document: VectorDocument;
  readonly history: EditHistory;
}

/** What the events of the editor have. One that was stored by a program that checks less may not. */
interface EventFields extends Readonly<Record<string, unknown>> {
  readonly groupId: string;
  readonly paths?: unknown;
  readonly title?: unknown;
}

/** When snapshots are saved, and how many stay. */
export const SNAPSHOTS = { every: 1_000, keep: 10 };

/** The document as a function of its events. What it does not know changes nothing. */
export const documentFold: Fold<DocumentState, EventShape> = {
  name: "document",
  version: 1,
  snapshot: SNAPSHOTS,
  initial: () => ({ isCreated: false, document: EMPTY_DOCUMENT, history: NO_HISTORY }),
  evolve: (state, event) => evolve(state, event, Draft.none),
};

/**
 * The same fold for a single load without a cache. It changes the states that it has made itself, which are seen by nobody until
 * the load ends.
 */
export function replayFold(): Fold<DocumentState, EventShape> {
  const draft = new Draft();
  return { ...documentFold, evolve: (state, event) => evolve(state, event, draft) };
}

/** The projection of the fold's snapshots, as `Fold.snapshot` names it. */
export const SNAPSHOT_PROJECTION = `${documentFold.name}@${documentFold.version}`;

function evolve(state: DocumentState, event: StoredEvent, draft: Draft): DocumentState {
  const { document } = state;
  const data = event.data as EventFields;
  switch (event.type) {
    case "DocumentCreated":
      return { ...state, document: titled(document, data.title), isCreated: true };
    case "RenameDocumentEvent": {
      const renamed = titled(document, data.title);
      return renamed === document ? state : edited(state, event, renamed, draft);
    }
    case "SetArtboardEvent":
      return { ...state, document: { ...document, artboard: withNumbers(document.artboard, data) } };
    case "ViewportPanEvent":
    case "ViewportZoomEvent":
      return { ...state, document: { ...document, viewport: withNumbers(document.viewport, data) } };
    case "UndoEvent":
      return restored(state, data, undone(state.history, data.groupId));
    case "RedoEvent":
      return restored(state, data, redone(state.history, data.groupId));
    default: {
      const paths = editPaths(document.paths, event.type, event.data, draft);
      return paths === null ? state : edited(state, event, draft.with(document, { paths }), draft);
    }
  }
}

/** The state with a document that an event has changed. The event joins the history. */
function edited(state: DocumentState, event: StoredEvent, document: VectorDocument, draft: Draft): DocumentState {
  const { pathId } = event.data as { readonly pathId: string };
  const hasTitle = document.title !== state.document.title;
  const groupId = event.metadata?.undoGroupId;
  const group: EditGroup = {
    groupId: typeof groupId === "string" ? groupId : event.id,
    firstVersion: event.version,
    lastVersion: event.version,
    pathIds: hasTitle ? [] : [pathId],
    hasTitle,
  };
  return draft.with(state, { document, history: withEdit(state.history, group, draft) });
}

/**
 * The event says what it restores. The row of the metadata and the caches have no history and do what it says, so the document
 * does it too where the group is not the next one.
 */
function restored(state: DocumentState, { paths, title }: EventFields, history: EditHistory): DocumentState {
  const document = titled(state.document, title);
  const restoredPaths = restorePaths(document.paths, restoredPathsOf(paths));
  return { ...state, document: { ...document, paths: restoredPaths }, history };
}

function titled(document: VectorDocument, title: unknown): VectorDocument {
  return typeof title === "string" && title !== document.title ? { ...document, title } : document;
}

/** The values with those that an event has a number for. */
function withNumbers<T extends Artboard | Viewport>(values: T, data: Readonly<Record<string, unknown>>): T {
  const given = Object.keys(values).filter((field) => typeof data[field] === "number");
  return { ...values, ...Object.fromEntries(given.map((field) => [field, data[field]])) };
}
