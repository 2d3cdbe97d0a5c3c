import { ALL_STREAM, type EncodedState, type Snapshot, StorageError } from "../../protocols/index.js";
import { stateProblem } from "../snapshot/snapshot-codec.js";
import { inStore } from "../validate/in-call.js";
import { snapshotChecksum } from "./checksum.js";

/** A snapshot as a store has it. */
export interface StoredSnapshot {
  readonly snapshot: Snapshot<EncodedState>;
  /** The version of the schema that wrote it. */
  readonly schema: number;
  readonly checksum: number;
}

/**
 * @param location - the store, for the message
 * @throws StorageError `STORAGE_CORRUPT` when it is not what its checksum was made of
 */
export function soundSnapshot(stored: StoredSnapshot, location?: string): Snapshot<EncodedState> {
  if (isSound(stored)) return stored.snapshot;
  const { streamId, projection, version } = stored.snapshot;
  const message =
    `Cannot load the snapshot "${projection}" of stream "${streamId}" at ${version}${inStore(location)}: it is damaged. ` +
    "Rebuild the state from the events and save it again.";
  throw new StorageError("STORAGE_CORRUPT", message);
}

/**
 * What is wrong with a snapshot, or null.
 *
 * @param head - the last place of its stream
 */
export async function snapshotProblem(stored: StoredSnapshot, head: number): Promise<string | null> {
  if (!isSound(stored)) return "it is not what its checksum was made of";
  const { streamId, version, state } = stored.snapshot;
  if (version > head) {
    const place = streamId === ALL_STREAM ? "position" : "version";
    return `it names ${place} ${version}, and the last one is ${head}`;
  }
  return stateProblem(state);
}

function isSound({ snapshot, schema, checksum }: StoredSnapshot): boolean {
  return snapshotChecksum(snapshot, schema) === checksum;
}
