import type { StoredEvent } from "./event.js";

/**
 * Tells watchers of new events: the second of the two protocols that an adapter implements.
 *
 * It says what happened as soon as it can and is never the source of truth: a watch reads from storage whatever the
 * notifier could not tell. It goes with any `StorageHandle` of the same store.
 */
export interface Notifier extends AsyncDisposable {
  /**
   * Calls `listener` for the events that are committed to the stream (for `@all`, to the store) from now on, by this
   * process or another.
   *
   * - Batches come in order, without gaps and without repeats among themselves, and no event comes before it can be
   *   read from storage.
   * - An empty batch means "there may be more than I can tell": the listener reads from storage. It is also what a
   *   subscription gets first when the notifier takes its bearings only after `subscribe` has returned.
   * - The events of a batch belong to the listener. It returns quickly, and what it throws harms no other listener.
   * - With no subscription left, the notifier does no work.
   */
  subscribe(streamId: string, listener: NotificationListener): Subscription;

  /** Makes the notifier ready. Called before each subscription; calls after the first are harmless. */
  start(): Promise<void>;

  /** Ends all subscriptions and releases everything. A second call is harmless. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Receives a batch of new events, in order, or an empty batch as a reason to read from storage. */
export type NotificationListener = (batch: readonly StoredEvent[]) => void;

/** Ends something. Once `unsubscribe` has returned, the listener is not called again. */
export interface Subscription {
  /** Ends it. A second call is harmless. */
  unsubscribe(): void;
}
