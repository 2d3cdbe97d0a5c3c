import type { NotificationListener, Notifier, Subscription } from "../../protocols/index.js";
import { Listeners } from "../../src/adapter-kit/listeners.js";
import type { MemoryStorageHandle } from "./memory-storage-handle.js";

/** Notifies watchers of an append before the append resolves. */
export class MemoryNotifier implements Notifier {
  readonly #listeners = new Listeners();

  /** Notifies of what is appended through `storage`. */
  constructor(storage: MemoryStorageHandle) {
    storage.onCommit((events) => this.#listeners.publish(events));
  }

  subscribe(streamId: string, listener: NotificationListener): Subscription {
    return this.#listeners.add(streamId, listener);
  }

  async start(): Promise<void> {}

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listeners.clear();
  }
}
