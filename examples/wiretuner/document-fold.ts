import type { EventShape, StoredEvent } from "async-streams";
import type { Fold } from "async-streams/commands";
import { type EditGroup, type EditHistory, NO_HISTORY, redone, undone, withEdit } from "./edit-history.js";
import { editPaths, restoredPathsOf, restorePaths } from "./edit-paths.js";
import { type Artboard, EMPTY_DOCUMENT, type Path, type VectorDocument, type Viewport } from "./vector-document.js";

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
  evolve(state, event) {
    const { document } = state;
    const data = event.data as EventFields;
    switch (event.type) {
      case "DocumentCreated":
        return { ...state, document: titled(document, data.title), isCreated: true };
      case "RenameDocumentEvent":
        return edited(state, event, titled(document, data.title));
      case "SetArtboardEvent":
        return { ...state, document: { ...document, artboard: withNumbers(document.artboard, data) } };
      case "ViewportPanEvent":
      case "ViewportZoomEvent":
        return { ...state, document: { ...document, viewport: withNumbers(document.viewport, data) } };
      case "UndoEvent":
        return restored(state, data, undone(state.history, data.groupId));
      case "RedoEvent":
        return restored(state, data, redone(state.history, data.groupId));
      default:
        return edited(state, event, withPaths(document, editPaths(document.paths, event.type, event.data)));
    }
  },
};

/** The projection of the fold's snapshots, as `Fold.snapshot` names it. */
export const SNAPSHOT_PROJECTION = `${documentFold.name}@${documentFold.version}`;

/** The state with a document that an event has changed. The event joins the history, unless it has changed nothing. */
function edited(state: DocumentState, event: StoredEvent, document: VectorDocument): DocumentState {
  if (document === state.document) return state;
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
  return { ...state, document, history: withEdit(state.history, group) };
}

/**
 * The event says what it restores. The row of the metadata and the caches have no history and do what it says, so the document
 * does it too where the group is not the next one.
 */
function restored(state: DocumentState, { paths, title }: EventFields, history: EditHistory): DocumentState {
  const document = titled(state.document, title);
  const restoredPaths = restorePaths(document.paths, restoredPathsOf(paths));
  return { ...state, document: withPaths(document, restoredPaths), history };
}

function titled(document: VectorDocument, title: unknown): VectorDocument {
  return typeof title === "string" && title !== document.title ? { ...document, title } : document;
}

function withPaths(document: VectorDocument, paths: readonly Path[]): VectorDocument {
  return paths === document.paths ? document : { ...document, paths };
}

/** The values with those that an event has a number for. */
function withNumbers<T extends Artboard | Viewport>(values: T, data: Readonly<Record<string, unknown>>): T {
  const given = Object.keys(values).filter((field) => typeof data[field] === "number");
  return { ...values, ...Object.fromEntries(given.map((field) => [field, data[field]])) };
}
