import type { Notifier, Subscription } from "../../protocols/index.js";
import { decodesLater } from "../adapter-kit/notified-event.js";
import type { StoreMessage } from "./messages.js";

interface ExposedWatch {
  subscription: Subscription | undefined;
  /** Whether news were sent that the worker has not acknowledged. */
  isTold: boolean;
  /** Whether there was something new since. */
  hasMore: boolean;
}

/**
 * Tells a worker of new events: of each stream one message at a time, however much is written meanwhile. A worker that does
 * not get to its messages has one of them waiting.
 */
export class ExposedWatches implements Disposable {
  readonly #notifier: Notifier;
  readonly #post: (message: StoreMessage) => void;
  readonly #watches = new Map<number, ExposedWatch>();

  constructor(notifier: Notifier, post: (message: StoreMessage) => void) {
    this.#notifier = notifier;
    this.#post = post;
  }

  subscribe(id: number, streamId: string): void {
    const watch: ExposedWatch = { subscription: undefined, isTold: false, hasMore: false };
    this.#watches.set(id, watch);
    watch.subscription = this.#notifier.subscribe(
      streamId,
      decodesLater(() => this.#tell(id, watch)),
    );
    // What was stored while the message was under way.
    this.#tell(id, watch);
  }

  /** The worker has passed on what it was told. */
  heard(id: number): void {
    const watch = this.#watches.get(id);
    if (watch === undefined) return;
    watch.isTold = false;
    if (watch.hasMore) this.#tell(id, watch);
  }

  unsubscribe(id: number): void {
    this.#watches.get(id)?.subscription?.unsubscribe();
    this.#watches.delete(id);
  }

  [Symbol.dispose](): void {
    for (const id of [...this.#watches.keys()]) this.unsubscribe(id);
  }

  #tell(subscription: number, watch: ExposedWatch): void {
    watch.hasMore = watch.isTold;
    if (watch.isTold) return;
    watch.isTold = true;
    this.#post({ kind: "news", subscription });
  }
}
