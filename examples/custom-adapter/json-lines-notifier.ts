import type { NotificationListener, Notifier, Subscription } from "async-streams";
import { Listeners, type PlacedEvent } from "async-streams/adapter";

/**
 * Tells the watchers of this process what its storage handle has just committed.
 *
 * A store that other processes write to needs more: it polls, or listens to what its database sends.
 */
export class JsonLinesNotifier implements Notifier {
  readonly #listeners = new Listeners();

  async start(): Promise<void> {
    // Nothing to get ready: commits are published by a call.
  }

  subscribe(streamId: string, listener: NotificationListener): Subscription {
    return this.#listeners.add(streamId, listener);
  }

  /** Tells of the events of one append, in order, once they are stored. */
  publish(events: readonly PlacedEvent[]): void {
    this.#listeners.publish(events);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
  }
}
