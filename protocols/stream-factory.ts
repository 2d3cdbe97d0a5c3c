import type { EventShape } from "./event.js";
import type { StoreMaintenance } from "./maintenance.js";
import type { Notifier } from "./notifier.js";
import type { StorageHandle } from "./storage-handle.js";
import type { Stream } from "./stream.js";

/**
 * An open store. Every adapter has a factory function that returns one.
 *
 * @example
 * ```ts
 * await using streams = await sqliteStreamFactory("bank.db");
 * await using account = await streams.openStream<BankEvent>("account-42");
 * ```
 */
export interface StreamFactory extends AsyncDisposable {
  /**
   * Opens a handle on a stream. This is cheap. The stream need not exist, and many handles may be open on one stream.
   *
   * @param streamId - non-empty, at most `MAX_STREAM_ID_LENGTH` UTF-16 units, without lone surrogates. Ids that begin
   * with `@` are reserved; {@link ALL_STREAM} opens the read-only stream of every event.
   * @throws InvalidArgumentError when the id is invalid.
   * @throws StorageError when the stream's version cannot be read.
   * @throws StreamClosedError when the factory has been disposed.
   */
  openStream<E extends EventShape = EventShape>(streamId: string): Promise<Stream<E>>;

  /**
   * Finishes accepted writes, completes every watch, and closes every connection. Afterwards nothing keeps the process alive. A
   * second call is harmless and waits for the first.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * The parts of an adapter, for `createStreamFactory`. The factory disposes of both: first the notifier, then the storage.
 *
 * What the storage implements decides what the factory has: `writeAll` needs an `AtomicStorage`, and `transaction` and
 * `query` a `TransactionalStorage`. The calls of `AdministrableStreamFactory` need an `AdministrableStorage`.
 */
export interface StreamBackend<Storage extends StorageHandle = StorageHandle> {
  /** Stores the events. */
  readonly storage: Storage;
  /** Notifies watches of new events. */
  readonly notifier: Notifier;
  /** Returns the time in milliseconds since 1970, for the timestamps of snapshots. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
  /**
   * Whether a call that a transaction's callback makes past its `tx` is refused at once. It makes every `await` of the
   * process slower before Node 24. Default: from Node 24 on.
   */
  readonly findMisuse?: boolean | undefined;
  /**
   * Checks and copies the store. With it the factory has `verify` and `backup`. The disposal of the storage has to end what is
   * under way.
   */
  readonly maintenance?: StoreMaintenance | undefined;
  /** Whether the store has deletions that were interrupted: then the factory finishes them. Default false. */
  readonly hasUnfinishedDeletions?: boolean | undefined;
}
