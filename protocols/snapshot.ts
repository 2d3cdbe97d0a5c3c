import type { JsonValue } from "./json.js";

/** State that was computed from a stream's events up to and including `version`. */
export interface Snapshot<S = JsonValue | Uint8Array> {
  /** The stream whose events the state was computed from. */
  readonly streamId: string;
  /** The name of this kind of state; `"default"` if the caller gave none. */
  readonly projection: string;
  /** The version (on `@all` the position) of the last event that the state includes. */
  readonly version: number;
  /** When the snapshot was saved. */
  readonly timestamp: Date;
  /** The state: equal to what was saved, and not checked against `S`. For an adapter, its {@link EncodedState}. */
  readonly state: S;
}

/** State as an adapter stores it: bytes, and the name of their codec. Both are stored and returned unchanged. */
export interface EncodedState {
  /** How to decode the bytes, such as `json+gzip`. An adapter only stores it. */
  readonly codec: string;
  /** The encoded state. */
  readonly bytes: Uint8Array;
}

/** Which older snapshots to remove when one is saved. */
export interface SnapshotRetention {
  /** How many of the newest versions to keep. Minimum 1. Default: all. */
  readonly keep?: number | undefined;
}

/** Asks for the newest snapshot of one projection of a stream. */
export interface SnapshotQuery {
  /** The stream of the snapshot. */
  readonly streamId: string;
  /** The name of the kind of state. */
  readonly projection: string;
  /** Only snapshots of this version (on `@all`, position) or an earlier one. Default: the newest. */
  readonly atOrBefore?: number;
}
