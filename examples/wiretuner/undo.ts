import { isStreamError, type JsonObject } from "async-streams";
import { loadState } from "async-streams/commands";
import type { Database } from "./database.js";
import { replayFold } from "./document-fold.js";
import { streamOf } from "./document-stream.js";
import { editDocument } from "./edit-document.js";
import type { EditGroup } from "./edit-history.js";
import type { RestoredPath } from "./edit-paths.js";

/**
 * Undoes the last group of edits as a whole, by one new event that says what its paths and the title were before.
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
    const content = await contentAt(db, documentId, group, version);
    if (content === null) return [];
    groupId = group.groupId;
    return [{ eventType, fields: { groupId: group.groupId, ...content } as unknown as JsonObject }];
  });
  return groupId;
}

/** What of a document its groups change. The title only where that is changed. */
interface GroupContent {
  readonly paths: readonly RestoredPath[];
  readonly title?: string;
}

/** What a group changes, as it was at a version: the stream is its own history. Null where that has been pruned. */
async function contentAt(
  db: Database,
  documentId: string,
  { pathIds, hasTitle }: EditGroup,
  atVersion: number,
): Promise<GroupContent | null> {
  const loaded = await loadState(db, replayFold(), streamOf(documentId), { atVersion }).catch((error: unknown) => {
    if (isStreamError(error, "EVENTS_REMOVED")) return null;
    throw error;
  });
  if (loaded === null) return null;
  const { paths, title } = loaded.state.document;
  const restored = pathIds.map((pathId) => {
    const index = paths.findIndex((path) => path.pathId === pathId);
    return { pathId, index: Math.max(index, 0), path: paths[index] ?? null };
  });
  return hasTitle === true ? { paths: restored, title } : { paths: restored };
}
