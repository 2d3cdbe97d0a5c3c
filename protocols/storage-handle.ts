import type { NewEvent, StoredEvent } from "./event.js";
import type { ParsedClause } from "./filter.js";
import type { EncodedState, Snapshot, SnapshotQuery, SnapshotRetention } from "./snapshot.js";
import type { ExpectedVersion, StreamMetrics, WriteResult } from "./stream.js";

/**
 * Where events are kept: the first of the two protocols that an adapter implements.
 *
 * What arrives here is valid already: ids, versions and limits have been checked, events have been turned into text.
 * Any method may be called while others are under way. A failure is a `StorageError` (or one of the errors that a
 * method names) and leaves the store as it was; where an adapter cannot know that, its code is `STORAGE_IO`. After its
 * disposal every method fails with `StreamClosedError`.
 */
export interface StorageHandle extends AsyncDisposable {
  /** What the store is called in error messages: a path, a URL. Default: the messages name no store. */
  readonly location?: string;

  /**
   * Stores all events of the request or none, as one atomic step.
   *
   * Decides concurrency and idempotency itself, inside the transaction that stores the events: `decideAppend` holds
   * the rules. Appends that one caller issues one after the other are stored in that order. When the promise resolves
   * the events survive whatever the adapter promises to survive.
   *
   * @throws ConcurrencyError when the stream is not at the expected version.
   * @throws IdempotencyConflictError when a key is stored already with another event.
   * @throws StorageError when the store fails.
   * @throws the signal's reason when it is aborted before the transaction has begun; later it has no effect.
   */
  append(request: AppendRequest): Promise<AppendResult>;

  /**
   * Reads a bounded page of events, in order.
   *
   * Holds nothing open once it has resolved. A page may be shorter than `limit`, or even empty, with more to come:
   * `next` tells.
   *
   * @throws StorageError when the store fails.
   */
  readPage(query: ReadQuery): Promise<EventPage>;

  /** The version of the stream's last event, 0 when it has none; for `@all` the last position. */
  getVersion(streamId: string): Promise<number>;

  /** What is stored of the stream now; for `@all`, of the whole store. */
  getMetrics(streamId: string): Promise<StreamMetrics>;

  /**
   * Keeps a snapshot beside those of other versions; one of the same stream, projection and version is replaced. With
   * `keep`, all but the newest so many of that stream and projection are removed in the same atomic step. An adapter that
   * takes no second argument keeps them all, which is allowed.
   */
  saveSnapshot(snapshot: Snapshot<EncodedState>, retention?: SnapshotRetention): Promise<void>;

  /** The snapshot with the highest version that the query allows, or null. */
  loadSnapshot(query: SnapshotQuery): Promise<Snapshot<EncodedState> | null>;

  /** Finishes the appends that were accepted and releases everything. A second call is harmless. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** One atomic write to one stream. */
export interface AppendRequest {
  readonly streamId: string;
  /** May be empty: then nothing is stored, and the result is the stream's own version and position. */
  readonly events: readonly NewEvent[];
  /** Where the stream has to be when the events are stored. */
  readonly expectedVersion: ExpectedVersion;
  /** Gives the append up as long as its transaction has not begun. */
  readonly signal?: AbortSignal | undefined;
}

/** The outcome of an append; the same as that of `Stream.write`. */
export type AppendResult = WriteResult;

/** Asks for a page. Places are versions, and for `@all` positions. */
export interface ReadQuery {
  readonly streamId: string;
  /** Only events after this place (exclusive). */
  readonly after: number;
  /** Only events up to this place (inclusive). Default: the end. */
  readonly upTo?: number | undefined;
  /** At most this many events, 1 or more. */
  readonly limit: number;
  /** `"forward"` starts behind `after`; `"backward"` starts at `upTo` and runs down. */
  readonly direction: "forward" | "backward";
  /**
   * The events that are wanted. An adapter may use it to return fewer events, never to leave out one that matches:
   * the core applies the filter again.
   */
  readonly filter?: readonly ParsedClause[] | undefined;
}

/** A page of events. */
export interface EventPage {
  /** In the order of the query's direction. */
  readonly events: readonly StoredEvent[];
  /** Where the next page continues (forward: its `after`; backward: its `upTo`), or null behind the last page. */
  readonly next: number | null;
  /**
   * The stream's version (for `@all` the last position) in the very state of the store that the page was read from. A
   * watch whose place lies beyond it fails with `STORAGE_WENT_BACK`, so a head that lags ends watches.
   */
  readonly head: number;
  /**
   * How many bytes of JSON text and of binary content the events have, or about how many. The core bounds the memory of
   * readers by it. Default: the core looks through the events, which costs some time.
   */
  readonly contentBytes?: number | undefined;
}
