import type { NotificationListener, Notifier, Subscription } from "../../protocols/index.js";
import { Listeners } from "../adapter-kit/listeners.js";
import type { Connection } from "./connection.js";

/** The listeners of a stream, for whom the store's thread has one subscription. */
interface StreamNews {
  readonly listeners: Listeners;
  readonly unsubscribe: () => void;
}

/**
 * Says that there is something new, and never what: watchers read it page by page as they get to it. So nothing piles up
 * for one that is slow.
 */
export class ConnectedNotifier implements Notifier {
  readonly #connection: Connection;
  readonly #byStream = new Map<string, StreamNews>();
  #started: Promise<void> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    // Who watches reads, and learns there that the connection has ended.
    connection.onEnd(() => {
      for (const { listeners } of [...this.#byStream.values()]) listeners.publishUnknown();
    });
  }

  async start(): Promise<void> {
    this.#started ??= this.#connection.call({ method: "start", args: [], attempt: "watch the store", lane: "read" });
    try {
      await this.#started;
    } catch (error) {
      this.#started = undefined;
      throw error;
    }
  }

  subscribe(streamId: string, listener: NotificationListener): Subscription {
    const news = this.#byStream.get(streamId) ?? this.#follow(streamId);
    const subscription = news.listeners.add(streamId, listener);
    return {
      unsubscribe: () => {
        subscription.unsubscribe();
        if (!news.listeners.isEmpty || this.#byStream.get(streamId) !== news) return;
        this.#byStream.delete(streamId);
        news.unsubscribe();
      },
    };
  }

  #follow(streamId: string): StreamNews {
    const listeners = new Listeners();
    const unsubscribe = this.#connection.subscribe(streamId, () => listeners.publishUnknown());
    const news = { listeners, unsubscribe };
    this.#byStream.set(streamId, news);
    return news;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { listeners, unsubscribe } of this.#byStream.values()) {
      listeners.clear();
      unsubscribe();
    }
    this.#byStream.clear();
  }
}
