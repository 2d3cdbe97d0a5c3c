import type { JsonValue } from "./json.js";

/** State that was folded from a stream's events up to and including `version`. */
export interface Snapshot<S = JsonValue | Uint8Array> {
  readonly streamId: string;
  /** Which of the stream's states this is; `"default"` where the caller named none. */
  readonly projection: string;
  /** The version (on `@all` the position) of the last event that the state includes. */
  readonly version: number;
  /** When the snapshot was saved. */
  readonly timestamp: Date;
  readonly state: S;
}

/** State as an adapter keeps it: bytes, and the name of the codec that reads them. Stored and returned unchanged. */
export interface EncodedState {
  /** How the bytes are to be read, such as `json+deflate`. Storage keeps it and need not know it. */
  readonly codec: string;
  /** The state as it is stored. */
  readonly bytes: Uint8Array;
}

/** Which older snapshots go when one is saved. */
export interface SnapshotRetention {
  /** How many of the newest versions stay, 1 or more. Default: all. */
  readonly keep?: number | undefined;
}

/** Asks for the newest snapshot of one projection of a stream. */
export interface SnapshotQuery {
  readonly streamId: string;
  readonly projection: string;
  /** Only snapshots of this version (on `@all`, position) or an earlier one. Default: the newest. */
  readonly atOrBefore?: number;
}
