import type { Draft } from "./draft.js";

/** Events that are undone together. Their content is in the stream, so their places are enough. */
export interface EditGroup {
  readonly groupId: string;
  readonly firstVersion: number;
  readonly lastVersion: number;
  /** The paths that they have changed. */
  readonly pathIds: readonly string[];
  /** Whether they have changed the title. Snapshots of earlier programs do not have it. */
  readonly hasTitle?: boolean;
}

/** What can be undone and redone; the next one is the last of its list. */
export interface EditHistory {
  readonly undoable: readonly EditGroup[];
  readonly redoable: readonly EditGroup[];
}

export const NO_HISTORY: EditHistory = { undoable: [], redoable: [] };

/** How many groups can be undone. Older ones stay as they are. */
export const MAX_UNDO_GROUPS = 100;

/** The history after an edit, which joins the group before it if it is of the same one. A new edit ends redo. */
export function withEdit({ undoable, redoable }: EditHistory, edit: EditGroup, draft: Draft): EditHistory {
  const groups = draft.array(undoable);
  const last = groups.at(-1);
  if (last?.groupId === edit.groupId) {
    groups[groups.length - 1] = joined(last, edit, draft);
  } else {
    groups.push(draft.own(edit));
    if (groups.length > MAX_UNDO_GROUPS) groups.shift();
  }
  return { undoable: groups, redoable: redoable.length === 0 ? redoable : [] };
}

function joined(last: EditGroup, edit: EditGroup, draft: Draft): EditGroup {
  const pathIds = edit.pathIds.every((pathId) => last.pathIds.includes(pathId))
    ? last.pathIds
    : [...new Set([...last.pathIds, ...edit.pathIds])];
  const hasTitle = last.hasTitle === true || edit.hasTitle === true;
  return draft.with(last, { lastVersion: edit.lastVersion, pathIds, hasTitle });
}

/** The history after a group was undone; the same one if that was not the next one. */
export function undone(history: EditHistory, groupId: string): EditHistory {
  const group = history.undoable.at(-1);
  if (group?.groupId !== groupId) return history;
  return { undoable: history.undoable.slice(0, -1), redoable: [...history.redoable, group] };
}

/** The history after a group was redone; the same one if that was not the next one. */
export function redone(history: EditHistory, groupId: string): EditHistory {
  const group = history.redoable.at(-1);
  if (group?.groupId !== groupId) return history;
  return { undoable: [...history.undoable, group], redoable: history.redoable.slice(0, -1) };
}
