import type { EventShape, StoredEvent } from "async-streams";
import type { Fold } from "async-streams/commands";
import { type EditGroup, type EditHistory, NO_HISTORY, redone, undone, withEdit } from "./edit-history.js";
import { editPaths, type RestoredPath, restorePaths } from "./edit-paths.js";
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
  readonly paths: readonly RestoredPath[];
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
        return { ...renamed(state, data.title), isCreated: true };
      case "RenameDocumentEvent":
        return renamed(state, data.title);
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
        return edited(state, event);
    }
  },
};

/** The projection of the fold's snapshots, as `Fold.snapshot` names it. */
export const SNAPSHOT_PROJECTION = `${documentFold.name}@${documentFold.version}`;

function edited(state: DocumentState, event: StoredEvent): DocumentState {
  const paths = editPaths(state.document.paths, event.type, event.data);
  if (paths === state.document.paths) return state;
  const { pathId } = event.data as { pathId: string };
  const groupId = event.metadata?.undoGroupId;
  const group: EditGroup = {
    groupId: typeof groupId === "string" ? groupId : event.id,
    firstVersion: event.version,
    lastVersion: event.version,
    pathIds: [pathId],
  };
  return { ...state, document: { ...state.document, paths }, history: withEdit(state.history, group) };
}

function restored(state: DocumentState, { paths }: EventFields, history: EditHistory): DocumentState {
  if (history === state.history || !Array.isArray(paths)) return state;
  return { ...state, document: { ...state.document, paths: restorePaths(state.document.paths, paths) }, history };
}

function renamed(state: DocumentState, title: unknown): DocumentState {
  return typeof title === "string" ? { ...state, document: { ...state.document, title } } : state;
}

/** The values with those that an event has a number for. */
function withNumbers<T extends Artboard | Viewport>(values: T, data: Readonly<Record<string, unknown>>): T {
  const given = Object.keys(values).filter((field) => typeof data[field] === "number");
  return { ...values, ...Object.fromEntries(given.map((field) => [field, data[field]])) };
}
