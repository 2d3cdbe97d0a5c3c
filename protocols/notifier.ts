import type { StoredEvent } from "./event.js";

/**
 * Notifies watchers of new events: the second of the two protocols that an adapter implements.
 *
 * It reports commits as soon as it can, and is never the source of truth: a watch reads from storage whatever the notifier
 * could not deliver. It works with any `StorageHandle` of the same store.
 */
export interface Notifier extends AsyncDisposable {
  /**
   * Calls `listener` for the events that are committed to the stream (for `@all`, to the store) from now on, by this process
   * or another.
   *
   * - Batches arrive in order, without gaps or repeats. An event is delivered only when it can be read from storage.
   * - An empty batch means "there may be more events": the listener reads from storage. If the notifier determines where it
   *   starts only after `subscribe` has returned, it first sends an empty batch to the subscription.
   * - The events of a batch belong to the listener. A listener returns quickly, and an error that it throws affects no other.
   * - Without subscriptions the notifier does no work.
   */
  subscribe(streamId: string, listener: NotificationListener): Subscription;

  /** Makes the notifier ready. Called before each subscription; calls after the first are harmless. */
  start(): Promise<void>;

  /** Ends all subscriptions and releases everything. A second call is harmless. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** Receives a batch of new events, in order, or an empty batch as a signal to read from storage. */
export type NotificationListener = (batch: readonly StoredEvent[]) => void;

/** A subscription of a listener. */
export interface Subscription {
  /** Ends the subscription. Once it has returned, the listener is not called again. A second call is harmless. */
  unsubscribe(): void;
}
