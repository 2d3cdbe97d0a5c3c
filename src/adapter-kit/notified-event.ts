import type { NotificationListener, PlacedEvent, StoredEvent } from "../../protocols/index.js";
import { decodedBytes, storedBytes } from "../stream/content-bytes.js";
import { decodeEvent } from "./decode-event.js";

/**
 * An event that a watcher was notified of. It is decoded when somebody looks into it: a consumer may not come for it for
 * long, and until then all watchers have it in one copy, as it was stored.
 */
export class NotifiedEvent {
  readonly #notified: PlacedEvent | StoredEvent;
  #event: StoredEvent | undefined;

  constructor(notified: PlacedEvent | StoredEvent) {
    this.#notified = notified;
  }

  get version(): number {
    return this.#notified.version;
  }

  get position(): number {
    return this.#notified.position;
  }

  /** About how many bytes it takes while it waits. */
  get bytes(): number {
    const notified = this.#notified;
    return "event" in notified ? storedBytes(notified.event) : decodedBytes([notified]);
  }

  /** @throws an error of any kind when what was stored is damaged */
  get event(): StoredEvent {
    const notified = this.#notified;
    this.#event ??= "event" in notified ? decodeEvent(notified.event, notified) : notified;
    return this.#event;
  }
}

/** Receives the events that were notified, each as an object of its own. */
type NotifiedListener = (batch: readonly NotifiedEvent[]) => void;

const decodingLater = new WeakMap<NotificationListener, NotifiedListener>();

/** A listener that decodes events itself where the notifier leaves that to it; any other notifier gives it decoded ones. */
export function decodesLater(onBatch: NotifiedListener): NotificationListener {
  const listener: NotificationListener = (batch) => onBatch(batch.map((event) => new NotifiedEvent(event)));
  decodingLater.set(listener, onBatch);
  return listener;
}

/** Calls a listener with events of its own, or tells it to read them where they cannot be decoded. */
export function notify(listener: NotificationListener, events: readonly PlacedEvent[]): void {
  const onBatch = decodingLater.get(listener);
  if (onBatch === undefined) listener(decodeAll(events));
  else onBatch(events.map((placed) => new NotifiedEvent(placed)));
}

function decodeAll(events: readonly PlacedEvent[]): readonly StoredEvent[] {
  try {
    return events.map((placed) => decodeEvent(placed.event, placed));
  } catch {
    // Storage says which of them is damaged.
    return [];
  }
}
