import type { JsonObject } from "./json.js";
import type { Records } from "./records.js";
import type { TransactionalStorage } from "./transactional-storage.js";

/**
 * A storage handle that can list its streams and remove events. With it a factory has the calls of
 * `AdministrableStreamFactory`.
 *
 * The core decides what may go. The metadata of a stream is the record `<streamId>` of the space `@streams`. A stream whose
 * last event has the type `@deleted` is deleted: `append` and `saveSnapshot` fail with `StreamDeletedError`.
 */
export interface AdministrableStorage extends TransactionalStorage {
  /** The streams that have events or metadata, deleted ones too, by id in code-point order. */
  listStreams(query: ListStreamsQuery): Promise<readonly StreamRow[]>;

  /**
   * Removes the first events of a stream, and raises its first version, as one atomic step. The last event stays, whatever
   * `before` says. The position that comes next is skipped, so that other processes notice. `assertUnneeded` runs in the same
   * transaction, before anything is removed.
   *
   * @throws whatever `assertUnneeded` rejects with; nothing was removed.
   * @throws StorageError when the store fails.
   */
  removeBefore(request: RemoveRequest): Promise<RemovedEvents>;

  /**
   * Removes snapshots of a stream.
   *
   * @returns how many.
   */
  deleteSnapshots(query: DeleteSnapshotsQuery): Promise<number>;

  /**
   * Says how many snapshots `deleteSnapshots` would remove. Without it, a dry run of retention reports none.
   *
   * @returns how many.
   */
  countSnapshots?(query: DeleteSnapshotsQuery): Promise<number>;

  /**
   * Gives free space back to the file system, in one short step.
   *
   * @throws StorageError `STORAGE_UNSUPPORTED` where the store cannot do that.
   */
  reclaim(maxBytes: number): Promise<ReclaimedBytes>;
}

/** What one step of a removal has done. */
export interface RemovedEvents {
  /** How many events it removed. */
  readonly removed: number;
  /** The first version that is left. */
  readonly firstVersion: number;
}

/** What one step of a reclamation has done. */
export interface ReclaimedBytes {
  /** How many bytes it gave back. */
  readonly freed: number;
  /** How many more could be given back. */
  readonly left: number;
}

/** Asks for a page of the streams. */
export interface ListStreamsQuery {
  /** Only ids that begin so. */
  readonly prefix: string;
  /** Only ids after this one. */
  readonly after: string;
  /** At most this many, 1 or more. Fewer mean that no more follow. */
  readonly limit: number;
}

/** A stream as storage lists it. */
export interface StreamRow {
  /** The id. */
  readonly streamId: string;
  /** The version of the last event, 0 without one. */
  readonly version: number;
  /** The first version that is still there; 1 unless events were removed. */
  readonly firstVersion: number;
  /** How many events it has. */
  readonly eventCount: number;
  /** The position of the last event, 0 without one. */
  readonly lastPosition: number;
  /** When the last event was stored, in milliseconds since 1970. */
  readonly lastTimestampMs: number | null;
  /** Whether the last event is a tombstone. */
  readonly isDeleted: boolean;
  /** The value of the record in `@streams`. */
  readonly metadata: JsonObject | null;
  /** Its revision, 0 without one. */
  readonly metadataRevision: number;
}

/** Asks for a step of a removal. */
export interface RemoveRequest {
  /** A stream that has events. */
  readonly streamId: string;
  /** The first version that stays. */
  readonly before: number;
  /** At most this many events, 1 or more. Where events are large, a step may remove fewer, so that writers do not wait. */
  readonly limit: number;
  /** Whether the idempotency keys of the removed events stay, so that a retry stores nothing. */
  readonly keepKeys: boolean;
  /**
   * Decides whether the events may go: when it rejects, with an `EventsNeededError`, nothing is removed. It reads records,
   * those of reserved spaces too. Nobody changes a record between its reads and the commit of the removal. It may be called
   * again if the transaction is begun again.
   */
  readonly assertUnneeded?: ((records: Pick<Records, "list">) => Promise<void>) | undefined;
}

/** Says which snapshots of a stream are removed, or counted. */
export interface DeleteSnapshotsQuery {
  /** The stream. */
  readonly streamId: string;
  /** Only those of this kind of state. Default: all kinds. */
  readonly projection?: string | undefined;
  /** Only those of a version below this one. Default: all versions. */
  readonly below?: number | undefined;
}
