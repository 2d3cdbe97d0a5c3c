import { isStreamError, type JsonObject } from "async-streams";
import { loadState } from "async-streams/commands";
import type { Database } from "./database.js";
import { documentFold } from "./document-fold.js";
import { streamOf } from "./document-stream.js";
import { editDocument } from "./edit-document.js";
import type { EditGroup } from "./edit-history.js";
import type { RestoredPath } from "./edit-paths.js";

/**
 * Undoes the last group of edits as a whole, by one new event that says what its paths were before.
 *
 * @returns the id of the group, or null where there is nothing to undo, or where what was before it has been pruned
 */
export function undo(db: Database, documentId: string): Promise<string | null> {
  return step(db, documentId, "UndoEvent");
}

/** Redoes the group that was undone last, unless there was an edit since. @returns the id of the group, or null */
export function redo(db: Database, documentId: string): Promise<string | null> {
  return step(db, documentId, "RedoEvent");
}

async function step(db: Database, documentId: string, eventType: "UndoEvent" | "RedoEvent"): Promise<string | null> {
  let groupId: string | null = null;
  await editDocument(db, documentId, async ({ history }) => {
    const group = (eventType === "UndoEvent" ? history.undoable : history.redoable).at(-1);
    groupId = null;
    if (group === undefined) return [];
    const version = eventType === "UndoEvent" ? group.firstVersion - 1 : group.lastVersion;
    const paths = await pathsAt(db, documentId, group, version);
    if (paths === null) return [];
    groupId = group.groupId;
    return [{ eventType, fields: { groupId: group.groupId, paths } as unknown as JsonObject }];
  });
  return groupId;
}

/** The paths of a group as they were at a version: the stream is its own history. Null where that has been pruned. */
async function pathsAt(
  db: Database,
  documentId: string,
  { pathIds }: EditGroup,
  atVersion: number,
): Promise<RestoredPath[] | null> {
  const loaded = await loadState(db, documentFold, streamOf(documentId), { atVersion }).catch((error: unknown) => {
    if (isStreamError(error, "EVENTS_REMOVED")) return null;
    throw error;
  });
  if (loaded === null) return null;
  const { paths } = loaded.state.document;
  return pathIds.map((pathId) => {
    const index = paths.findIndex((path) => path.pathId === pathId);
    return { pathId, index: Math.max(index, 0), path: paths[index] ?? null };
  });
}
