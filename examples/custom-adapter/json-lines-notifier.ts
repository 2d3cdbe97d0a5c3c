import {
  ALL_STREAM,
  type NotificationListener,
  type Notifier,
  type StoredEvent,
  type Subscription,
} from "async-streams";

/**
 * Tells the watchers of this process what its storage handle has just committed.
 *
 * A store that other processes write to needs more: it polls, or listens to what its database sends.
 */
export class JsonLinesNotifier implements Notifier {
  readonly #listeners = new Map<string, Set<NotificationListener>>();

  async start(): Promise<void> {
    // Nothing to get ready: commits are announced by a call.
  }

  subscribe(streamId: string, listener: NotificationListener): Subscription {
    // A wrapper makes each subscription its own, also when one listener subscribes twice.
    const entry: NotificationListener = (batch) => listener(batch);
    const listeners = this.#listeners.get(streamId) ?? new Set<NotificationListener>();
    this.#listeners.set(streamId, listeners.add(entry));
    return {
      unsubscribe: () => {
        listeners.delete(entry);
        if (listeners.size === 0 && this.#listeners.get(streamId) === listeners) this.#listeners.delete(streamId);
      },
    };
  }

  /**
   * @param makeEvents - called for each listener, because the events of a batch belong to the one who gets them. None
   * means: read from storage.
   */
  announce(streamId: string, makeEvents: () => readonly StoredEvent[]): void {
    for (const id of [streamId, ALL_STREAM]) {
      const listeners = this.#listeners.get(id) ?? new Set();
      // Over a copy: who subscribes while this goes on has subscribed too late for it. Who unsubscribes has had enough.
      for (const listener of [...listeners]) if (listeners.has(listener)) callSafely(listener, makeEvents());
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const listeners of this.#listeners.values()) listeners.clear();
    this.#listeners.clear();
  }
}

/** What a listener throws must not keep the next one from hearing, nor fail the write that is being announced. */
function callSafely(listener: NotificationListener, batch: readonly StoredEvent[]): void {
  try {
    listener(batch);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}
