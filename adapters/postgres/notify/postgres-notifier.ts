import { ALL_STREAM, type NotificationListener, type Notifier, type Subscription } from "../../../protocols/index.js";
import type { Commit, CommitFeed } from "../../../src/adapter-kit/commit-feed.js";
import { Listeners } from "../../../src/adapter-kit/listeners.js";
import { MAX_WATCH_BUFFER_EVENTS } from "../../../src/limits.js";
import type { PostgresConnection } from "../client/client.js";
import type { ReadContext } from "../read/filter-sql.js";
import { readNewEvents } from "../read/read-page.js";
import type { ReadPool } from "../read/read-pool.js";
import { readHead } from "../read/stream-figures.js";
import { NotificationChannel } from "./notification-channel.js";

/** The context of the notifier. */
export interface PostgresNotifierParts extends ReadContext {
  readonly feed: CommitFeed;
  readonly reads: ReadPool;
  readonly pollIntervalMs: number;
  /** Opens the connection that listens. Absent where no notification is sent. */
  readonly open: (() => Promise<PostgresConnection>) | undefined;
}

/**
 * Notifies watchers of commits: of this process's own at once, and of those of other processes as the server notifies of them.
 * It also polls, while somebody watches, because a notification may be lost.
 *
 * A commit of this process is delivered without reading it back if it continues the last delivery. Otherwise another process
 * has committed in between, and what is new is read, so that all of it comes in order.
 */
export class PostgresNotifier implements Notifier {
  readonly #parts: PostgresNotifierParts;
  readonly #listeners = new Listeners();
  readonly #channel: NotificationChannel | undefined;
  #timer: NodeJS.Timeout | undefined;
  #reading: Promise<void> | undefined;
  #isNudged = false;
  #isClosed = false;
  #hasNewListener = false;
  /** The last position that listeners were notified of; undefined while the notifier does not know it. */
  #position: number | undefined;

  constructor(parts: PostgresNotifierParts) {
    this.#parts = parts;
    const { feed, names, open } = parts;
    if (open !== undefined) {
      this.#channel = new NotificationChannel({
        channel: names.channel,
        open,
        onPosition: (position) => this.#onPosition(position),
        onListening: () => this.#nudge(),
      });
    }
    feed.connect((commit) => this.#onCommit(commit));
  }

  async start(): Promise<void> {}

  subscribe(streamId: string, listener: NotificationListener): Subscription {
    if (this.#listeners.isEmpty) this.#position = undefined;
    const subscription = this.#listeners.add(streamId, listener);
    this.#channel?.start();
    // What is being read may have been stored before: the new listener must not hear of it.
    this.#hasNewListener = this.#reading !== undefined;
    if (this.#position === undefined || this.#hasNewListener) this.#nudge();
    return {
      unsubscribe: () => {
        subscription.unsubscribe();
        if (this.#listeners.isEmpty) this.#rest();
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    this.#listeners.clear();
    this.#rest();
    await this.#reading;
    await this.#channel?.close();
  }

  #onCommit({ previousPosition, events }: Commit): void {
    if (this.#listeners.isEmpty) return;
    const last = events.at(-1);
    if (last === undefined || (this.#position !== undefined && last.position <= this.#position)) return;
    if (this.#position !== previousPosition || this.#reading !== undefined) {
      this.#nudge();
      return;
    }
    this.#position = last.position;
    this.#listeners.publish(events);
  }

  #onPosition(position: number): void {
    if (this.#position === undefined || position > this.#position) this.#nudge();
  }

  /** Reads what is new now, or once more when that is under way. */
  #nudge(): void {
    if (this.#isClosed || this.#listeners.isEmpty) return;
    this.#isNudged = true;
    clearTimeout(this.#timer);
    this.#reading ??= this.#readAll();
  }

  async #readAll(): Promise<void> {
    // Let the caller of subscribe return before its listener hears anything.
    await Promise.resolve();
    while (this.#isNudged && !this.#isClosed) {
      this.#isNudged = false;
      this.#hasNewListener = false;
      try {
        await this.#read();
        if (this.#hasNewListener) this.#position = undefined;
      } catch {
        // Watchers read from storage and learn there what is wrong; the next poll may fare better.
        this.#position = undefined;
        this.#listeners.publishUnknown();
      }
    }
    this.#reading = undefined;
    this.#startTimer();
  }

  async #read(): Promise<void> {
    const { reads } = this.#parts;
    if (this.#listeners.isEmpty) return;
    const after = this.#position;
    if (after === undefined) return this.#startFromHead();
    const limit = MAX_WATCH_BUFFER_EVENTS;
    const { events, head } = await reads.use((connection) => readNewEvents(connection, this.#parts, after, limit));
    const last = events.at(-1);
    if (this.#hasNewListener) return;
    if (last === undefined) {
      // The store went back. Watchers find out by reading.
      if (head < after) await this.#startFromHead();
      return;
    }
    // There may be more than watchers can be handed at once: they read it from storage.
    if (events.length === limit) return this.#startFromHead();
    this.#position = last.position;
    this.#listeners.publish(events);
  }

  async #startFromHead(): Promise<void> {
    this.#position = await this.#parts.reads.use((connection) => this.#readHead(connection));
    this.#listeners.publishUnknown();
  }

  #readHead(connection: PostgresConnection): Promise<number> {
    return readHead(connection, this.#parts, ALL_STREAM);
  }

  #startTimer(): void {
    if (this.#isClosed || this.#listeners.isEmpty) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#nudge(), this.#parts.pollIntervalMs);
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#channel?.stop();
  }
}
