import type { Stream } from "async-streams";
import { loadState } from "async-streams/commands";
import type { Database } from "./database.js";
import { type DocumentState, replayFold, SNAPSHOT_PROJECTION, SNAPSHOTS } from "./document-fold.js";
import { documentOf } from "./document-stream.js";

interface Versions {
  readonly after: number;
  readonly upTo: number;
}

/**
 * Saves a snapshot for each multiple of the interval that a write has passed, so that a large batch gets as many as small ones.
 * Those that later ones of the batch would remove are not made. A snapshot is a shortcut: the events are stored, whatever
 * becomes of it.
 */
export async function saveDueSnapshots(db: Database, stream: Stream, versions: Versions): Promise<void> {
  try {
    await saveMissing(db, stream, versions);
  } catch (error) {
    process.emitWarning(`Cannot save a snapshot of document "${documentOf(stream.streamId)}": ${String(error)}`);
  }
}

/** With those before it that are missing: a process may have been killed between its batch and the snapshot. */
async function saveMissing(db: Database, stream: Stream, { after, upTo }: Versions): Promise<void> {
  const { every, keep } = SNAPSHOTS;
  const last = Math.floor(upTo / every);
  if (last === Math.floor(after / every)) return;
  // One that is damaged is made again.
  const newest = await stream.loadSnapshot({ projection: SNAPSHOT_PROJECTION, atOrBefore: after }).catch(() => null);
  const first = Math.max(Math.floor((newest?.version ?? 0) / every), last - keep) * every + every;
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
