import type { PlacedEvent } from "../../../src/adapter-kit/placed-event.js";

/** What one transaction of this process stored. */
export interface Commit {
  /** The last position before the transaction: nothing lies between it and the first of the events. */
  readonly previousPosition: number;
  readonly events: readonly PlacedEvent[];
}

/** Tells others of this process's own commits: the notifier, so that its watchers need not wait for a poll. */
export class CommitFeed {
  readonly #listeners: ((commit: Commit) => void)[] = [];

  connect(listener: (commit: Commit) => void): void {
    this.#listeners.push(listener);
  }

  publish(commit: Commit): void {
    for (const listener of this.#listeners) listener(commit);
  }
}
