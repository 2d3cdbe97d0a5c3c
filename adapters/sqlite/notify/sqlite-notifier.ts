import { ALL_STREAM, type NotificationListener, type Notifier, type Subscription } from "../../../protocols/index.js";
import type { Commit, CommitFeed } from "../../../src/adapter-kit/commit-feed.js";
import { Listeners } from "../../../src/adapter-kit/listeners.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import type { OpenFiles } from "../open/open-files.js";
import { head } from "../read/stream-figures.js";
import { LogWatch } from "./log-watch.js";
import { readNewEvents } from "./read-new-events.js";

/**
 * How often, and for how long, the notifier polls after a change to the log. Once the change is visible and was no event, each
 * interval is twice as long as the one before: leases are renewed all the time.
 */
const ACTIVE_POLL_INTERVAL_MS = 2;
const ACTIVE_MS = 100;

/** The context of the notifier. */
export interface SQLiteNotifierParts {
  readonly feed: CommitFeed;
  readonly pollIntervalMs: number;
  readonly location: string;
  /** Absent for a database in memory. */
  readonly files: OpenFiles | undefined;
  /** Opens the notifier's own connection. Absent where no other process can write: then nothing is polled. */
  readonly open?: (() => Promise<SQLiteConnection>) | undefined;
}

/**
 * Notifies watchers of commits: of this process's own at once, and of those of other processes by polling.
 *
 * One poll serves all watchers. It only checks whether the database has changed (`PRAGMA data_version`), and runs only
 * while somebody watches: rarely while the store is idle, and often after a change to the log, because a commit becomes
 * visible a little after it. A commit of this process is delivered without reading it back if it continues the last
 * delivery. Otherwise another process has committed in between, and the poll delivers both in order.
 */
export class SQLiteNotifier implements Notifier {
  readonly #parts: SQLiteNotifierParts;
  readonly #listeners = new Listeners();
  #connection: SQLiteConnection | undefined;
  readonly #logWatch: LogWatch;
  #timer: NodeJS.Timeout | undefined;
  #activeUntilMs = 0;
  #activeIntervalMs = ACTIVE_POLL_INTERVAL_MS;
  #polling: Promise<void> | undefined;
  #isNudged = false;
  #isClosed = false;
  /** The last position that listeners were notified of; undefined while the notifier does not know it. */
  #position: number | undefined;
  #dataVersion: number | undefined;

  constructor(parts: SQLiteNotifierParts) {
    this.#parts = parts;
    this.#logWatch = new LogWatch(parts.location, () => this.#onLogChange());
    parts.feed.connect((commit) => this.#onCommit(commit));
  }

  async start(): Promise<void> {}

  subscribe(streamId: string, listener: NotificationListener): Subscription {
    if (this.#listeners.isEmpty) this.#position = undefined;
    const subscription = this.#listeners.add(streamId, listener);
    if (this.#position === undefined) this.#nudge();
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
    await this.#polling;
    await this.#connection?.close();
    this.#connection = undefined;
  }

  #onCommit({ previousPosition, events }: Commit): void {
    if (this.#listeners.isEmpty) return;
    const last = events.at(-1);
    if (last === undefined || (this.#position !== undefined && last.position <= this.#position)) return;
    if (this.#parts.open !== undefined && this.#position !== previousPosition) {
      this.#nudge();
      return;
    }
    this.#position = last.position;
    this.#listeners.publish(events);
  }

  #onLogChange(): void {
    const isActive = performance.now() < this.#activeUntilMs;
    const isInTime = isActive && this.#pollsOften;
    this.#activeUntilMs = performance.now() + ACTIVE_MS;
    this.#activeIntervalMs = ACTIVE_POLL_INTERVAL_MS;
    if (isInTime || this.#polling !== undefined) return;
    this.#stopTimer();
    this.#startTimer();
  }

  get #pollsOften(): boolean {
    return this.#activeIntervalMs === ACTIVE_POLL_INTERVAL_MS;
  }

  /** Polls now, or once more when a poll is under way. */
  #nudge(): void {
    this.#isNudged = true;
    this.#stopTimer();
    this.#polling ??= this.#pollAll();
  }

  async #pollAll(): Promise<void> {
    // Let the caller of subscribe return before its listener hears anything.
    await Promise.resolve();
    do {
      const isNudged = this.#isNudged;
      this.#isNudged = false;
      try {
        await this.#poll(isNudged);
      } catch {
        // Watchers read from storage and learn there what is wrong; the next poll may fare better.
        this.#listeners.publishUnknown();
      }
    } while (this.#isNudged && !this.#isClosed);
    this.#polling = undefined;
    this.#startTimer();
  }

  async #poll(isNudged: boolean): Promise<void> {
    const { open } = this.#parts;
    if (open === undefined) {
      this.#position = 0;
      return this.#listeners.publishUnknown();
    }
    if (this.#isClosed || this.#listeners.isEmpty) return;
    this.#parts.files?.check();
    this.#connection ??= await open();
    const activeUntilMs = this.#activeUntilMs;
    const dataVersion = await readDataVersion(this.#connection);
    if (dataVersion === this.#dataVersion && !isNudged && this.#position !== undefined) {
      if (!this.#pollsOften) this.#activeIntervalMs = Math.min(this.#activeIntervalMs * 2, ACTIVE_MS);
      return;
    }
    if (this.#position === undefined) await this.#startFromHead(this.#connection);
    else if (!(await this.#readNew(this.#connection, this.#position)) && activeUntilMs === this.#activeUntilMs) {
      // What has changed the log is visible, and it has not changed again meanwhile.
      this.#activeIntervalMs = 2 * ACTIVE_POLL_INTERVAL_MS;
    }
    this.#dataVersion = dataVersion;
  }

  async #startFromHead(connection: SQLiteConnection): Promise<void> {
    if (!this.#isClosed && !this.#listeners.isEmpty) this.#logWatch.start();
    this.#position = await head(connection, { streamId: ALL_STREAM });
    this.#listeners.publishUnknown();
  }

  /** @returns whether there was something new */
  async #readNew(connection: SQLiteConnection, after: number): Promise<boolean> {
    const last = await head(connection, { streamId: ALL_STREAM });
    // The change was one of this process, and has been passed on; or it stored no event.
    if (last === after) return false;
    if (last < after) {
      // The store went back. Watchers find out by reading.
      await this.#startFromHead(connection);
      return true;
    }
    const events = await readNewEvents(connection, after);
    // While they were read, commits of this process may have been passed on.
    const told = this.#position ?? after;
    const read = events.at(-1)?.position ?? after;
    this.#position = Math.max(told, read, last);
    if (read < last) this.#listeners.publishUnknown();
    else this.#listeners.publish(events.filter(({ position }) => position > told));
    return true;
  }

  #startTimer(): void {
    if (this.#isClosed || this.#listeners.isEmpty || this.#parts.open === undefined) return;
    const { pollIntervalMs } = this.#parts;
    const isActive = performance.now() < this.#activeUntilMs;
    const waitMs = isActive ? Math.min(this.#activeIntervalMs, pollIntervalMs) : pollIntervalMs;
    this.#timer = setTimeout(() => {
      this.#polling ??= this.#pollAll();
    }, waitMs);
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
  }

  #rest(): void {
    this.#stopTimer();
    this.#logWatch.stop();
  }
}

async function readDataVersion(connection: SQLiteConnection): Promise<number> {
  const [row] = await connection.all<{ data_version: number }>("PRAGMA data_version");
  return (row as { data_version: number }).data_version;
}
