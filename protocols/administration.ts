import type { StoredEvent } from "./event.js";
import type { JsonObject } from "./json.js";
import type { StreamFactory } from "./stream-factory.js";

/** The type of the last event of a deleted stream. */
export const DELETED_EVENT_TYPE = "@deleted";

/**
 * The last event of a deleted stream. Put it into the union of a projection or a consumer that wants it; its data is the
 * `reason` of the deletion.
 */
export type DeletedEvent = {
  /** Always `"@deleted"`. */
  readonly type: typeof DELETED_EVENT_TYPE;
  /** The reason that `deleteStream` was given. */
  readonly data: JsonObject | null;
};

/** The revision of a stream's metadata after a change. */
export interface MetadataRevision {
  /** Grows with every change; 0 where there is no metadata any more. */
  readonly revision: number;
}

/** What a reclamation has done. */
export interface ReclaimReport {
  /** How many bytes the file system got back. */
  readonly freedBytes: number;
}

/** A store whose streams can be listed, described, pruned and deleted. */
export interface AdministrableStreamFactory extends StreamFactory {
  /**
   * The streams of the store, by id in code-point order: those that have events or metadata. It reads page by page, and holds
   * nothing open.
   *
   * @throws InvalidArgumentError when an option is invalid.
   * @throws StreamClosedError when the factory is, or gets, disposed.
   * @throws the signal's reason when it is aborted.
   *
   * @example
   * ```ts
   * for await (const { streamId, version } of streams.listStreams({ prefix: "account-" })) console.log(streamId, version);
   * ```
   */
  listStreams(options?: ListStreamsOptions): AsyncIterable<StreamInfo>;

  /**
   * Describes one stream, a deleted one too; null for one that was never written and has no metadata.
   *
   * @throws InvalidArgumentError when the id is invalid.
   */
  describeStream(streamId: string): Promise<StreamInfo | null>;

  /**
   * Sets facts about a stream that are not part of its history, such as an owner or a title; null removes them. At most
   * `MAX_RECORD_BYTES` as JSON.
   *
   * @returns the new revision; 0 where there is no metadata any more.
   * @throws RecordConflictError when the metadata does not have `expectedRevision`.
   * @throws StreamDeletedError when the stream is deleted.
   * @throws InvalidArgumentError when the metadata is no JSON object, or too large.
   *
   * @example
   * ```ts
   * await streams.setStreamMetadata("account-42", { owner: "ada@example.com" });
   * ```
   */
  setStreamMetadata(
    streamId: string,
    metadata: JsonObject | null,
    options?: StreamMetadataOptions,
  ): Promise<MetadataRevision>;

  /**
   * Removes the events below `before` for good, oldest first. It does so in steps, each of them atomic: it may be killed at
   * any moment and called again. The stream's last event always stays, so versions and positions never go back. Snapshots
   * older than version `before - 1`, which no longer lead to a state, are removed too.
   *
   * Where the process was killed that ran a former version of a projection, it waits for as long as that lease lasts, to be sure
   * that nobody renews it. So do `deleteStream` and `applyRetention`.
   *
   * @throws EventsNeededError when somebody has yet to read them: a registered consumer or projection, a consumer that has
   * parked some, or the snapshot of `behindSnapshot`. `force` removes all the same, and drops the parked places.
   * @throws InvalidArgumentError when `before` is not a version of the stream.
   * @throws whatever `archive` throws.
   * @throws StreamClosedError when the factory is, or gets, disposed.
   * @throws the signal's reason when it is aborted: what was removed by then is gone.
   *
   * @example
   * ```ts
   * await streams.pruneStream("account-42", { before: 1_000, behindSnapshot: "default" });
   * ```
   */
  pruneStream(streamId: string, options: PruneOptions): Promise<RemovalReport>;

  /**
   * Ends a stream. Its last event is a tombstone of the type `@deleted`, which is written first. Then its other events, its
   * snapshots, its metadata and what consumers have parked of it are removed. This is final: a later write or snapshot fails
   * with `STREAM_DELETED` whatever it expects. To delete it again is harmless, whatever is expected. A stream without events
   * gets its tombstone as version 1, so that nobody can begin it.
   *
   * An interrupted deletion leaves a deleted stream that still has some events. Calling it again finishes it, and so does
   * opening the store for writing, unless an `archive` was given: those events wait for the call.
   *
   * @throws ConcurrencyError when the stream is not at `expectedVersion`.
   * @throws EventsNeededError when a registered consumer or projection has yet to read them, or a consumer has parked some.
   * `force` deletes the stream all the same.
   * @throws InvalidArgumentError when an option is invalid.
   * @throws whatever `archive` throws; then the stream is deleted, and has the events that were not archived.
   *
   * @example
   * ```ts
   * await streams.deleteStream("account-42", { expectedVersion: 7, reason: { closedBy: "ada@example.com" } });
   * ```
   */
  deleteStream(streamId: string, options?: DeleteOptions): Promise<RemovalReport>;

  /**
   * Gives free space back to the file system, in short steps while others read and write.
   *
   * @throws StorageError `STORAGE_UNSUPPORTED` when the file was made without support for it. A `backup` is compact. Over
   * PostgreSQL, `STORAGE_PERMISSION_DENIED` where the role does not own the tables.
   * @throws the signal's reason when it is aborted.
   */
  reclaim(options?: ReclaimOptions): Promise<ReclaimReport>;
}

/** What is known of a stream. */
export interface StreamInfo {
  /** The id. */
  readonly streamId: string;
  /** The version of the last event; 0 for a stream that has metadata only. */
  readonly version: number;
  /** The first version that is still there: 1 unless events were removed. */
  readonly firstVersion: number;
  /** How many events it has. */
  readonly eventCount: number;
  /** The position of the last event. */
  readonly lastPosition: number;
  /** When the last event was stored; null without events. */
  readonly lastTimestamp: Date | null;
  /** Whether it was deleted. */
  readonly deleted: boolean;
  /** What `setStreamMetadata` has set. */
  readonly metadata: JsonObject | null;
  /** The revision of the metadata, 0 without any. */
  readonly metadataRevision: number;
}

/** The options of {@link AdministrableStreamFactory.listStreams}. */
export interface ListStreamsOptions {
  /** Only ids that begin so. */
  readonly prefix?: string | undefined;
  /** Only ids after this one. */
  readonly after?: string | undefined;
  /** At most this many. Default: all. */
  readonly limit?: number | undefined;
  /** Whether deleted streams are listed too. Default false. */
  readonly deleted?: boolean | undefined;
  /** Ends the listing: it throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The options of {@link AdministrableStreamFactory.setStreamMetadata}. */
export interface StreamMetadataOptions {
  /** The revision that the metadata must have; 0: there must be none. Default: any. */
  readonly expectedRevision?: number | undefined;
}

/** The options of {@link AdministrableStreamFactory.pruneStream}. */
export interface PruneOptions {
  /** The first version that stays, from 1 to the stream's version. What is gone already counts for nothing. */
  readonly before: number;
  /** Only what the newest snapshot of this projection includes may be removed. */
  readonly behindSnapshot?: string | undefined;
  /**
   * Called with the events of each step, at most 4,096, before they are removed. They are removed when it resolves. What it
   * throws ends the call. After a crash it may see events again.
   */
  readonly archive?: ((events: readonly StoredEvent[]) => Promise<void>) | undefined;
  /**
   * Whether the idempotency keys of all events below `before` are forgotten as well, also those that earlier calls kept. By
   * default a key stays, which takes 20 to 60 bytes, so that a late retry still stores nothing.
   */
  readonly forgetKeys?: boolean | undefined;
  /** Whether to remove events that somebody has yet to read or has parked, and to drop the parked places. Default false. */
  readonly force?: boolean | undefined;
  /** Ends the call between two steps, or while it waits. */
  readonly signal?: AbortSignal | undefined;
}

/** The options of {@link AdministrableStreamFactory.deleteStream}. */
export interface DeleteOptions extends Pick<PruneOptions, "archive" | "force" | "signal"> {
  /** The version that the stream must have. Default `"any"`. */
  readonly expectedVersion?: number | "any" | undefined;
  /** The data of the tombstone, at most `MAX_REASON_BYTES` as JSON. Default null. */
  readonly reason?: JsonObject | undefined;
}

/** What was removed of a stream. */
export interface RemovalReport {
  /** The stream. */
  readonly streamId: string;
  /** The version of its last event. */
  readonly version: number;
  /** The first version that is still there. */
  readonly firstVersion: number;
  /** How many events this call has removed. */
  readonly removedEvents: number;
  /** How many snapshots this call has removed. */
  readonly removedSnapshots: number;
}

/** The options of {@link AdministrableStreamFactory.reclaim}. */
export interface ReclaimOptions {
  /** Called after each step. An error that it throws ends the call. */
  readonly onProgress?: ((progress: ReclaimProgress) => void) | undefined;
  /** Ends the call between two steps. */
  readonly signal?: AbortSignal | undefined;
}

/** The progress of a call of `reclaim`. */
export interface ReclaimProgress {
  /** How many bytes it has given back so far. */
  readonly freedBytes: number;
  /** How many bytes the store has free now. */
  readonly freeBytes: number;
}

/**
 * What may be removed of the streams whose ids begin with a prefix. Where several limits are given, an event goes that any of
 * them lets go.
 */
export interface RetentionRule {
  /** The beginning of the ids. */
  readonly prefix: string;
  /** Events that are older are removed, up to the first one that is not. */
  readonly maxAgeMs?: number | undefined;
  /** All but this many of the newest events are removed; 1 or more. */
  readonly maxEvents?: number | undefined;
  /** Only what the newest snapshot of this projection includes is removed. */
  readonly behindSnapshot?: string | undefined;
  /** Streams whose last event is older are deleted. */
  readonly deleteAfterMs?: number | undefined;
}

/** The options of `applyRetention`. */
export interface RetentionOptions {
  /** Whether to report only what would be removed, also of a store that is opened to be read only. Default false. */
  readonly dryRun?: boolean | undefined;
  /** As that of {@link PruneOptions}. */
  readonly archive?: PruneOptions["archive"];
  /** Ends the call: it throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}
