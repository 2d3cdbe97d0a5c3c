import {
  ALL_STREAM,
  type NewEvent,
  type NotificationListener,
  type StoredEvent,
  type Subscription,
} from "../../protocols/index.js";
import { MAX_QUEUED_EVENT_BYTES, MAX_WATCH_BUFFER_EVENTS } from "../limits.js";
import { decodeEvent, type StoredPlace } from "./decode-event.js";

/** An event that listeners are told of. Each gets a copy of its own, so that none can change what another one sees. */
export interface Publication {
  readonly streamId: string;
  /** Whether it may wait in a watcher's queue; a large event is read from storage instead. */
  readonly isSmall: boolean;
  copy(): StoredEvent;
}

/** Makes a publication of an event that has just been stored. */
export function publicationOf(event: NewEvent, place: StoredPlace): Publication {
  const bytes = event.data.length + (event.metadata?.length ?? 0);
  return {
    streamId: place.streamId,
    isSmall: bytes <= MAX_QUEUED_EVENT_BYTES,
    copy: () => decodeEvent(event, place),
  };
}

/** Who is subscribed to which stream. What the notifiers of most adapters are built on. */
export class Listeners {
  readonly #byStream = new Map<string, Set<NotificationListener>>();

  get isEmpty(): boolean {
    return this.#byStream.size === 0;
  }

  add(streamId: string, listener: NotificationListener): Subscription {
    const listeners = this.#byStream.get(streamId) ?? new Set();
    this.#byStream.set(streamId, listeners);
    // A function may be subscribed twice, and each subscription ends for itself.
    const entry: NotificationListener = (batch) => listener(batch);
    listeners.add(entry);
    return {
      unsubscribe: () => {
        listeners.delete(entry);
        if (listeners.size === 0 && this.#byStream.get(streamId) === listeners) this.#byStream.delete(streamId);
      },
    };
  }

  /** Hands the listeners of each stream, and those of `@all`, the events that concern them, in order. */
  publish(events: readonly Publication[]): void {
    if (this.isEmpty) return;
    const byStream = new Map<string, Publication[]>();
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

  clear(): void {
    this.#byStream.clear();
  }

  #notify(streamId: string, events: readonly Publication[]): void {
    const isTellable = events.length <= MAX_WATCH_BUFFER_EVENTS && events.every((event) => event.isSmall);
    for (const listener of [...(this.#byStream.get(streamId) ?? [])]) {
      // A listener may have ended another one's subscription.
      if (this.#byStream.get(streamId)?.has(listener) !== true) continue;
      callSafely(listener, isTellable ? events.map((event) => event.copy()) : []);
    }
  }
}

/** A listener's failure is its own: it is reported, and the others go on. */
function callSafely(listener: NotificationListener, batch: readonly StoredEvent[]): void {
  try {
    listener(batch);
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : new Error(`A listener threw ${String(error)}.`));
  }
}
