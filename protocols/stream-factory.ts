import type { EventShape } from "./event.js";
import type { Notifier } from "./notifier.js";
import type { StorageHandle } from "./storage-handle.js";
import type { Stream } from "./stream.js";

/**
 * An open store. Every adapter's factory function makes one.
 *
 * @example
 * ```ts
 * await using streams = await sqliteStreamFactory("bank.db");
 * await using account = await streams.openStream<BankEvent>("account-42");
 * ```
 */
export interface StreamFactory extends AsyncDisposable {
  /**
   * Opens a handle on a stream. Cheap: the stream needs no row, and many handles may be open on one stream.
   *
   * @param streamId - non-empty, at most `MAX_STREAM_ID_LENGTH` UTF-16 units, without lone surrogates. Ids that begin
   * with `@` are reserved; {@link ALL_STREAM} opens the read-only stream of every event.
   * @throws InvalidArgumentError when the id is invalid.
   * @throws StorageError when the stream's version cannot be read.
   * @throws StreamClosedError when the factory has been disposed.
   */
  openStream<E extends EventShape = EventShape>(streamId: string): Promise<Stream<E>>;

  /**
   * Finishes the writes that were accepted, completes every watch, closes every connection and leaves nothing that
   * keeps the process alive. A second call is harmless and waits for the first.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/** What an adapter hands to `createStreamFactory`. The factory disposes of both: first the notifier, then the storage. */
export interface StreamBackend {
  /** Where events are kept. */
  readonly storage: StorageHandle;
  /** Tells watches of what is new. */
  readonly notifier: Notifier;
  /** Tells the time in milliseconds since 1970, for the timestamps of snapshots. Default `Date.now`. */
  readonly now?: (() => number) | undefined;
}
