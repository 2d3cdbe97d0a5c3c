import type { NewEvent, StoredEvent } from "./event.js";
import type { ParsedClause } from "./filter.js";
import type { PlacedEvent } from "./placed-event.js";
import type { EncodedState, Snapshot, SnapshotQuery, SnapshotRetention } from "./snapshot.js";
import type { ExpectedVersion, StreamMetrics, WriteResult } from "./stream.js";

/**
 * Stores events: the first of the two protocols that an adapter implements.
 *
 * All arguments are already valid: ids, versions and limits have been checked, and events have been serialized. Methods may be
 * called concurrently. A failure is a `StorageError`, or one of the errors that a method names, and leaves the store as it was.
 * If the adapter cannot know that, the code is `STORAGE_IO`. After disposal every method fails with `StreamClosedError`.
 */
export interface StorageHandle extends AsyncDisposable {
  /** The name of the store in error messages, such as a path or a URL. Default: the messages name no store. */
  readonly location?: string;

  /** What the store takes, where that is less than what the core takes. The core checks it before it calls. Default: as much. */
  readonly limits?: StorageLimits;

  /**
   * Stores all events of the request or none, as one atomic step.
   *
   * Checks versions and idempotency keys inside the transaction that stores the events. `decideAppend` implements the rules.
   * Appends of one caller are stored in the order of the calls. When the promise resolves, the events survive everything that
   * the adapter promises to survive.
   *
   * @throws ConcurrencyError when the stream is not at the expected version.
   * @throws IdempotencyConflictError when a key is already stored with another event: one of another type, data or metadata,
   * where the `transactionId` of the metadata is not compared.
   * @throws StreamDeletedError when the stream is deleted.
   * @throws StorageError when the store fails.
   * @throws the signal's reason when it is aborted before the transaction begins; later it has no effect.
   */
  append(request: AppendRequest): Promise<AppendResult>;

  /**
   * Reads a bounded page of events, in order.
   *
   * No transaction or cursor stays open afterwards. A page may be shorter than `limit`, or even empty, although more events
   * follow: `next` says so.
   *
   * @throws StorageError when the store fails.
   * @throws the signal's reason when it is aborted before the page is read.
   */
  readPage(query: ReadQuery): Promise<EventPage>;

  /** The version of the stream's last event, 0 when it has none; for `@all` the last position. */
  getVersion(streamId: string): Promise<number>;

  /** The current figures of the stream; for `@all`, of the whole store. */
  getMetrics(streamId: string): Promise<StreamMetrics>;

  /**
   * Saves a snapshot. It replaces one of the same stream, projection and version; those of other versions stay. With `keep`,
   * the adapter keeps that many of the newest ones of that stream and projection, and removes the others in the same atomic
   * step. An adapter may ignore the second argument and keep them all.
   */
  saveSnapshot(snapshot: Snapshot<EncodedState>, retention?: SnapshotRetention): Promise<void>;

  /** The snapshot with the highest version that the query allows, or null. */
  loadSnapshot(query: SnapshotQuery): Promise<Snapshot<EncodedState> | null>;

  /** Finishes accepted appends and releases everything. A second call is harmless. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * What a store takes. A write beyond it is refused with an `InvalidEventError`, and a snapshot with an `InvalidArgumentError`.
 * The conformance suite needs 10,000 events of an append, 1 MiB of an event, and 2 MiB of an append and of a snapshot.
 */
export interface StorageLimits {
  /** The most events of one append. Each request of a unit is one. */
  readonly appendEvents?: number;
  /** The most bytes of the data and metadata of one append. Texts are counted in UTF-8. */
  readonly appendBytes?: number;
  /** The largest data, and the largest metadata, of one event in bytes. */
  readonly eventBytes?: number;
  /** The largest state of a snapshot in bytes, as it is stored: usually compressed. */
  readonly snapshotBytes?: number;
}

/** One atomic write to one stream. */
export interface AppendRequest {
  /** The stream to append to; never `@all`. */
  readonly streamId: string;
  /** May be empty: then nothing is stored, and the result is the stream's version and the position of its last event. */
  readonly events: readonly NewEvent[];
  /** The version that the stream must have when the events are stored. */
  readonly expectedVersion: ExpectedVersion;
  /** Cancels the append before its transaction begins. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Called with the events of the request that are stored now, and their places, before the append resolves. Of several calls
   * the last one counts. An adapter may leave it out; then the core reads the events back where it needs them.
   */
  readonly onPlaced?: ((events: readonly PlacedEvent[]) => void) | undefined;
}

/** The outcome of an append; the same as that of `Stream.write`. */
export type AppendResult = WriteResult;

/** Asks for a page. Places are versions, and for `@all` positions. */
export interface ReadQuery {
  /** The stream to read; `@all` is the whole store. */
  readonly streamId: string;
  /** Only events after this place (exclusive). */
  readonly after: number;
  /** Only events up to this place (inclusive). Default: the end. */
  readonly upTo?: number | undefined;
  /** At most this many events, 1 or more. */
  readonly limit: number;
  /** `"forward"` starts after `after`; `"backward"` starts at `upTo` and reads down. */
  readonly direction: "forward" | "backward";
  /**
   * The filter of the caller. An adapter may use it to return fewer events, and must return every event that matches. The core
   * applies the filter again.
   */
  readonly filter?: readonly ParsedClause[] | undefined;
  /** Aborted when nobody waits for the page any more. An adapter may then leave it unread: other reads may wait behind it. */
  readonly signal?: AbortSignal | undefined;
}

/** A page of events. */
export interface EventPage {
  /** In the order of the query's direction. */
  readonly events: readonly StoredEvent[];
  /** Where the next page continues (forward: its `after`; backward: its `upTo`), or null after the last page. */
  readonly next: number | null;
  /**
   * The stream's version (for `@all` the last position) in the same state of the store that the page was read from. A watch
   * whose place is beyond it fails with `STORAGE_WENT_BACK`, so a head that lags ends watches.
   */
  readonly head: number;
  /**
   * The first version that the stream still has, in the same state of the store as `head`. The core ends a read that begins
   * before it with `EVENTS_REMOVED`. Never given for `@all`. Default: 1.
   */
  readonly first?: number | undefined;
  /**
   * Names the store that the page was read from. It changes when another store, or an older copy that lost events, took the
   * place of the one that the handle was opened on: then reads and watches that go on fail with `STORAGE_REPLACED`, however long
   * the other one is. An adapter may also fail by itself. Default: the store cannot be replaced unnoticed.
   */
  readonly epoch?: string | undefined;
  /**
   * The size of the events' JSON text and binary content in bytes, exact or estimated. The core uses it to limit the memory of
   * readers. Default: the core measures the events, which takes some time.
   */
  readonly contentBytes?: number | undefined;
}
