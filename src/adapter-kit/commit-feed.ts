import type { PlacedEvent } from "../../protocols/index.js";

/** The events that one commit of this process stored. */
export interface Commit {
  /** The last position before it: nothing lies between it and the first of the events. */
  readonly previousPosition: number;
  readonly events: readonly PlacedEvent[];
}

/** Publishes this process's own commits to the notifier, so that its watchers wait neither for a poll nor for a message. */
export class CommitFeed {
  readonly #listeners: ((commit: Commit) => void)[] = [];

  connect(listener: (commit: Commit) => void): void {
    this.#listeners.push(listener);
  }

  publish(commit: Commit): void {
    for (const listener of this.#listeners) listener(commit);
  }
}
