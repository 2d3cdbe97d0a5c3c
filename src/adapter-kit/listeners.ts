import { ALL_STREAM, type NotificationListener, type PlacedEvent, type Subscription } from "../../protocols/index.js";
import { MAX_QUEUED_EVENT_BYTES, MAX_WATCH_BUFFER_EVENTS } from "../limits.js";
import { thrownText } from "../validate/thrown-text.js";
import { thrownValue } from "../validate/thrown-value.js";
import { notify } from "./notified-event.js";

/** One subscription. */
interface Entry {
  readonly listener: NotificationListener;
}

/**
 * Who is subscribed to which stream. What the notifiers of most adapters are built on.
 *
 * @example
 * ```ts
 * const listeners = new Listeners();
 * const subscription = listeners.add("orders", (batch) => console.log(batch.length));
 * listeners.publishUnknown();
 * subscription.unsubscribe();
 * ```
 */
export class Listeners {
  readonly #byStream = new Map<string, Set<Entry>>();

  /** Whether nobody listens: then a notifier has nothing to do. */
  get isEmpty(): boolean {
    return this.#byStream.size === 0;
  }

  /** Calls the listener from now on with what is published for a stream, or for `@all` with everything. */
  add(streamId: string, listener: NotificationListener): Subscription {
    const listeners = this.#byStream.get(streamId) ?? new Set();
    this.#byStream.set(streamId, listeners);
    // A function may be subscribed twice, and each subscription ends for itself.
    const entry: Entry = { listener };
    listeners.add(entry);
    return {
      unsubscribe: () => {
        listeners.delete(entry);
        if (listeners.size === 0 && this.#byStream.get(streamId) === listeners) this.#byStream.delete(streamId);
      },
    };
  }

  /**
   * Hands the listeners of each stream, and those of `@all`, the events that concern them, in order. Each listener gets
   * copies of its own, so that none can change what another one sees.
   *
   * Large events and long batches are not copied for everybody who listens: their listeners read from storage.
   */
  publish(events: readonly PlacedEvent[]): void {
    if (this.isEmpty) return;
    const byStream = new Map<string, PlacedEvent[]>();
    for (const event of events) {
      if (!this.#byStream.has(event.streamId)) continue;
      const earlier = byStream.get(event.streamId);
      if (earlier === undefined) byStream.set(event.streamId, [event]);
      else earlier.push(event);
    }
    for (const [streamId, concerned] of byStream) this.#notify(streamId, concerned);
    this.#notify(ALL_STREAM, events);
  }

  /** Tells every listener to read from storage. */
  publishUnknown(): void {
    for (const streamId of [...this.#byStream.keys()]) this.#notify(streamId, []);
  }

  /** Ends all subscriptions. */
  clear(): void {
    this.#byStream.clear();
  }

  #notify(streamId: string, events: readonly PlacedEvent[]): void {
    const given = events.length <= MAX_WATCH_BUFFER_EVENTS && events.every(isSmall) ? events : [];
    for (const entry of [...(this.#byStream.get(streamId) ?? [])]) {
      // A listener may have ended another one's subscription.
      if (this.#byStream.get(streamId)?.has(entry) === true) callSafely(entry, given);
    }
  }
}

/** Whether an event may wait in a watcher's queue. */
function isSmall({ event }: PlacedEvent): boolean {
  return event.data.length + (event.metadata?.length ?? 0) <= MAX_QUEUED_EVENT_BYTES;
}

/** A listener's failure is its own: it is reported, and the others go on. */
function callSafely({ listener }: Entry, events: readonly PlacedEvent[]): void {
  try {
    notify(listener, events);
  } catch (thrown) {
    const error = thrownValue(thrown);
    process.emitWarning(error instanceof Error ? error : new Error(`A listener threw: ${thrownText(error)}`));
  }
}
