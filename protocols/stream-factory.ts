import type { EventShape } from "./event.js";
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
