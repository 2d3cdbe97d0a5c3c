import {
  isStreamError,
  type SnapshotQuery,
  type StorageError,
  type StorageHandle,
  type Stream,
  type StreamFactory,
} from "../../protocols/index.js";
import { isAdministrable } from "../administration/administrable-factory.js";
import { MAX_CLEARED_FOLD_VERSIONS } from "../limits.js";
import { findStreamContext } from "../stream/context-access.js";
import { tell } from "./command-messages.js";
import type { ParsedFold } from "./fold.js";
import type { FoldedState } from "./folded-state.js";

/** The newest snapshot of a fold, as far as it can be used. */
export interface FoundSnapshot<S> {
  readonly folded?: FoldedState<S>;
  /** Why there is one that cannot be used. */
  readonly unusable?: Error;
}

/** Loads the newest snapshot at or before a version. One that is damaged, or of a newer library, counts as none. */
export async function loadFoldSnapshot<S>(
  stream: Stream,
  { projection }: ParsedFold<S>,
  atOrBefore: number | undefined,
): Promise<FoundSnapshot<S>> {
  try {
    const snapshot = await stream.loadSnapshot<S>({ projection, atOrBefore });
    return snapshot === null ? {} : { folded: { state: snapshot.state, version: snapshot.version } };
  } catch (error) {
    if (!isUnusable(error)) throw error;
    tell({ kind: "snapshot-skipped", streamId: stream.streamId, projection, error });
    return { unusable: error };
  }
}

/**
 * Saves a snapshot beside whatever else happens, and removes those of lower versions of the fold. The disposal of the store
 * waits for it. A failure is a message: the snapshot is only a shortcut.
 */
export function saveFoldSnapshot<S>(
  streams: StreamFactory,
  stream: Stream,
  fold: ParsedFold<S>,
  { state, version }: FoldedState<S>,
): void {
  const { projection, snapshot } = fold;
  const pending = findStreamContext(streams)?.pendingWrites;
  pending?.begin();
  const save = async (): Promise<void> => {
    try {
      await stream.snapshot(state, { version, projection, keep: snapshot?.keep });
      await clearLowerVersions(streams, stream.streamId, fold);
    } catch (error) {
      tell({ kind: "snapshot-failed", streamId: stream.streamId, projection, error });
    } finally {
      pending?.end();
    }
  };
  void save();
}

/** Where snapshots cannot be removed they stay: nobody loads them. */
async function clearLowerVersions(
  streams: StreamFactory,
  streamId: string,
  { name, version }: ParsedFold,
): Promise<void> {
  const storage = findStreamContext(streams)?.storage;
  if (storage === undefined || !isAdministrable(storage)) return;
  const lowest = Math.max(1, version - MAX_CLEARED_FOLD_VERSIONS);
  for (let lower = version - 1; lower >= lowest; lower -= 1) {
    const projection = `${name}@${lower}`;
    if (await hasSnapshot(storage, { streamId, projection })) await storage.deleteSnapshots({ streamId, projection });
  }
}

/** Most have none, and to look is no commit. A damaged one is there, too. */
async function hasSnapshot(storage: StorageHandle, query: SnapshotQuery): Promise<boolean> {
  try {
    return (await storage.loadSnapshot(query)) !== null;
  } catch (error) {
    if (isUnusable(error)) return true;
    throw error;
  }
}

/** Whether it says of a snapshot that it is damaged, or of a newer library. */
export function isUnusable(error: unknown): error is StorageError {
  return isStreamError(error, "STORAGE_CORRUPT") || isStreamError(error, "STORAGE_NEWER_SCHEMA");
}
