import type { Stream } from "async-streams";
import { loadState } from "async-streams/commands";
import type { Database } from "./database.js";
import { type DocumentState, replayFold, SNAPSHOT_PROJECTION, SNAPSHOTS } from "./document-fold.js";

/**
 * Saves a snapshot for each multiple of the interval that a write has passed, so that a large batch gets as many as small ones.
 * Those that later ones of the batch would remove are not made.
 */
export async function saveDueSnapshots(
  db: Database,
  stream: Stream,
  { after, upTo }: { readonly after: number; readonly upTo: number },
): Promise<void> {
  const { every, keep } = SNAPSHOTS;
  const first = Math.max(Math.floor(after / every), Math.floor(upTo / every) - keep) * every + every;
  for (let version = first; version <= upTo; version += every) await saveSnapshot(db, stream, version);
}

/** Saves the document as it was at a version. */
export async function saveSnapshot(db: Database, stream: Stream, version: number): Promise<void> {
  const { state } = await loadState(db, replayFold(), stream.streamId, { atVersion: version });
  await saveState(stream, state, version);
}

/** Saves a state, and removes the oldest of too many. */
export async function saveState(stream: Stream, state: DocumentState, version: number): Promise<void> {
  await stream.snapshot(state, { version, projection: SNAPSHOT_PROJECTION, keep: SNAPSHOTS.keep });
}
