import type { Observable } from "rxjs";
import type { CandidateEvent, CandidateList, EventShape, StoredEvent } from "./event.js";
import type { EventFilter, SelectedEvent, TypedFilter } from "./filter.js";
import type { Snapshot } from "./snapshot.js";

/** The id of the read-only stream of every event in the store, ordered by position. */
export const ALL_STREAM = "@all";

/**
 * The version that a write expects its stream to have: a number (0: no events), `"any"` (no check) or `"exists"` (at least
 * one event).
 */
export type ExpectedVersion = number | "any" | "exists";

/** The options of {@link Stream.write}. */
export interface WriteOptions {
  /** Default `"any"`. */
  readonly expectedVersion?: ExpectedVersion | undefined;
  /**
   * Cancels the write. If it is aborted before the write's transaction begins, nothing is stored and the write rejects with
   * the signal's reason. After that it is too late, and the write completes as if there were no signal.
   */
  readonly signal?: AbortSignal | undefined;
}

/** The outcome of a write. */
export interface WriteResult {
  /** The version of the write's last event, whether it was stored now or before; for an empty write the stream's. */
  readonly version: number;
  /** The position of the write's last event; for an empty write that of the stream's last event, 0 without one. */
  readonly position: number;
  /** How many events are new in the store. */
  readonly written: number;
}

/** The options of {@link Stream.read}. Places are versions, and on `@all` positions. */
export interface ReadOptions<F extends EventFilter = EventFilter> {
  /**
   * Only events after this place (exclusive). Default 0. Beyond the end of the stream the read returns nothing, and the
   * handle emits one process warning (`READ_BEYOND_END`): a position was passed as a version, or the store went back. If the
   * handle has seen that place before, the read fails with `STORAGE_WENT_BACK`.
   */
  readonly after?: number | undefined;
  /** Only events up to this place (inclusive). Default: the stream's end when the read begins. */
  readonly upTo?: number | undefined;
  /** At most this many events, counted after the filter; 0 reads none. Default: no limit. */
  readonly limit?: number | undefined;
  /** `"backward"` reads from `upTo` down to the event that follows `after`. Default `"forward"`. */
  readonly direction?: "forward" | "backward" | undefined;
  /** Only events for which every clause holds. Default: all. */
  readonly filter?: F | undefined;
  /** Ends the read: the iteration throws the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The options of {@link Stream.watch}. Places are versions, and on `@all` positions. */
export interface WatchOptions<F extends EventFilter = EventFilter> {
  /**
   * Only events after this place (exclusive). Stored ones are replayed first. Default: the handle's version at the time of
   * the call, so only new events.
   */
  readonly after?: number | undefined;
  /** Only events for which every clause holds. Default: all. */
  readonly filter?: F | undefined;
  /** Ends the watch. An iteration throws the signal's reason; an observable completes. */
  readonly signal?: AbortSignal | undefined;
}

/** A live stream of events: an RxJS observable, and an async iterable with backpressure. */
export type Watch<E extends EventShape = EventShape> = Observable<StoredEvent<E>> & AsyncIterable<StoredEvent<E>>;

/** The options of {@link Stream.snapshot}. */
export interface SnapshotOptions {
  /**
   * The version of the last event that the state includes. Default: the handle's version, which is right only as long as
   * nothing else on the handle (a watch, another task) has read or written past the state: give the version wherever
   * that may happen. Required on `@all`.
   */
  readonly version?: number | undefined;
  /**
   * The name of this kind of state. Non-empty, at most `MAX_STREAM_ID_LENGTH` UTF-16 units. Default `"default"`.
   */
  readonly projection?: string | undefined;
  /**
   * How many snapshots of this projection to keep: those with the highest versions. The others are removed in the same
   * step. Minimum 1. Default: all. An adapter may keep more.
   */
  readonly keep?: number | undefined;
}

/** The options of {@link Stream.loadSnapshot}. */
export interface LoadSnapshotOptions {
  /** The name of the kind of state to load. Default `"default"`. */
  readonly projection?: string | undefined;
  /** Only snapshots of this version (on `@all`, position) or an earlier one. Default: the newest. */
  readonly atOrBefore?: number | undefined;
}

/** Figures about a stream. */
export interface StreamMetrics {
  /** The version of the last event, 0 without one; for `@all` the last position. */
  readonly currentVersion: number;
  /** How many events are stored; for `@all`, in the whole store. */
  readonly eventCount: number;
  /** The timestamp of the last event, null without one. */
  readonly lastTimestamp: Date | null;
}

/**
 * A handle on one append-only stream of events.
 *
 * Every method fails with `StreamClosedError` once the handle or its factory has been disposed. An invalid argument is an
 * `InvalidArgumentError`, and has no effect. `read` and `watch` report errors when you iterate or subscribe.
 *
 * @typeParam E - the union of the stream's events, so that `switch (event.type)` narrows `event.data`.
 */
export interface Stream<E extends EventShape = EventShape> extends AsyncDisposable {
  /** The id that it was opened with. */
  readonly streamId: string;

  /**
   * The last version (on `@all`, position) that this handle has seen by opening, writing, reading or watching. The store may
   * be ahead of it. The library never decides a write on it.
   */
  readonly version: number;

  /**
   * Stores all events or none, as one atomic append. When the promise resolves, they are durable.
   *
   * Writes of one caller are stored in the order of the calls, awaited or not. Await them: writes that are not awaited wait
   * in memory.
   *
   * - An event whose `idempotencyKey` is already stored, or occurs earlier in the write, is not stored again. If every event
   *   is already stored, the write succeeds with `written: 0` whatever `expectedVersion` says, so a retry is safe.
   * - If only some are stored, the rest is appended with `"any"` and `"exists"`. With a number, it is a conflict.
   *
   * @throws ConcurrencyError when the stream is not at `expectedVersion`.
   * @throws IdempotencyConflictError when a key is already stored with another type, data or metadata.
   * @throws StreamDeletedError when the stream was deleted.
   * @throws InvalidEventError when a value cannot be stored without loss, or an event has an unknown field (the error names
   * the event and the path), or when there are more than `MAX_WRITE_EVENTS` events.
   * @throws ReadOnlyStreamError on `@all`.
   * @throws StreamClosedError when the handle or the factory has been disposed.
   * @throws InvalidArgumentError when an option is unknown or invalid.
   * @throws StorageError when the store fails; its `code` says how. `STORAGE_LOCKED`, `STORAGE_FULL` and
   * `STORAGE_OVERLOADED` are temporary, and the store is as it was before. After `STORAGE_IO` the write may be stored, and a
   * SQLite store accepts no later one (`STORAGE_MUST_REOPEN`) until it is reopened.
   * @throws the signal's reason when it is aborted before the transaction begins.
   *
   * @example
   * ```ts
   * const { version } = await account.write({ type: "Deposited", data: { amount: 100 } }, { expectedVersion: 0 });
   * ```
   */
  write(events: CandidateEvent<E> | CandidateList<E>, options?: WriteOptions): Promise<WriteResult>;

  /**
   * Reads stored events, in order, in constant memory. The call itself never throws; the iteration does.
   *
   * Reading begins with the iteration. A forward read ends at the end that the stream had then, so a loop that writes while
   * it reads terminates. No transaction stays open while the consumer works, and leaving the loop releases everything. Each
   * iteration reads again.
   *
   * @throws InvalidArgumentError when an option is unknown or invalid.
   * @throws InvalidFilterError when the filter is invalid.
   * @throws StreamClosedError when the handle or the factory is, or gets, disposed.
   * @throws StorageError when the store fails; `STORAGE_WENT_BACK` when it ends before a place that this handle has seen.
   * @throws EventsRemovedError when events after its place were removed from the stream; backward when it gets there. On
   * `@all` they are left out.
   * @throws the signal's reason when it is aborted.
   *
   * @example
   * ```ts
   * for await (const event of account.read({ after: 10 })) console.log(event.version, event.type);
   * ```
   */
  read<const F extends EventFilter = readonly []>(
    options?: ReadOptions<TypedFilter<E["type"], F>>,
  ): AsyncIterable<StoredEvent<SelectedEvent<E, F>>>;

  /**
   * Replays the stored events after `after`, and then delivers live events: each exactly once, in order, without a gap.
   *
   * While the server of the store is away (`STORAGE_UNAVAILABLE`), or the key store of personal data, a watch waits, and goes
   * on from its place. The `diagnostics_channel` named `async-streams:watch` reports that.
   *
   * A watch is cold: each subscription and each iteration starts again from the same place. It completes when the handle or
   * the factory is disposed. While it polls for writes of other processes (SQLite in a file), it keeps the process alive.
   *
   * As an observable it delivers events as fast as it can, and none after `unsubscribe`. As an async iterable it has
   * backpressure: a slow consumer uses bounded memory and loses no event.
   *
   * @throws InvalidArgumentError when an option is unknown or invalid.
   * @throws InvalidFilterError when the filter is invalid.
   * @throws StreamClosedError when the handle or the factory has been disposed before it begins.
   * @throws StorageError when the store fails; `STORAGE_WENT_BACK` when the watch's place is beyond the end of the store, and
   * `STORAGE_REPLACED` when another store took its place.
   * @throws EventsRemovedError when events after its place were removed from the stream. On `@all` they are left out.
   * @throws the signal's reason when it is aborted, as an async iterable; an observable completes.
   *
   * @example
   * ```ts
   * account.watch({ after: 0 }).pipe(filter((event) => event.type === "Withdrawn")).subscribe(alertFraudDesk);
   * ```
   */
  watch<const F extends EventFilter = readonly []>(
    options?: WatchOptions<TypedFilter<E["type"], F>>,
  ): Watch<SelectedEvent<E, F>>;

  /**
   * Saves state that was computed from the stream's events, so that the next start reads only the events after it.
   *
   * All versions are kept, or as many as `keep` says. The state is a JSON value or bytes. It is compressed if that makes it
   * smaller.
   *
   * @throws StreamClosedError when the handle or the factory has been disposed.
   * @throws InvalidArgumentError when the version is beyond the stream's, is missing on `@all`, or the state cannot be
   * stored without loss or is larger than `MAX_SNAPSHOT_BYTES`.
   * @throws StreamDeletedError when the stream was deleted.
   * @throws StorageError when the store fails, as for a write.
   *
   * @example
   * ```ts
   * await account.snapshot({ balance: 70 }, { version: 12, keep: 2 });
   * ```
   */
  snapshot(state: unknown, options?: SnapshotOptions): Promise<void>;

  /**
   * Loads the snapshot with the highest version that the options allow, or null if there is none. Nothing checks that the
   * state is an `S`.
   *
   * @throws StreamClosedError when the handle or the factory has been disposed.
   * @throws InvalidArgumentError when an option is unknown or invalid.
   * @throws StorageError when the store fails; `STORAGE_CORRUPT` when the snapshot is damaged: compute the state from the
   * events, and save it again. `STORAGE_NEWER_SCHEMA` when a newer version of this library wrote it.
   *
   * @example
   * ```ts
   * const snapshot = await account.loadSnapshot<{ balance: number }>();
   * let balance = snapshot?.state.balance ?? 0;
   * for await (const event of account.read({ after: snapshot?.version ?? 0 })) balance += event.data.amount;
   * ```
   */
  loadSnapshot<S = unknown>(options?: LoadSnapshotOptions): Promise<Snapshot<S> | null>;

  /**
   * Reads the current figures of the stream from storage.
   *
   * @throws StreamClosedError when the handle or the factory has been disposed.
   * @throws StorageError when the store fails.
   */
  metrics(): Promise<StreamMetrics>;

  /** Ends this handle's watches (they complete) and reads (they throw `StreamClosedError`). A second call is harmless. */
  [Symbol.asyncDispose](): Promise<void>;
}
