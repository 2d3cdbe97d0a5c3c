import type { NewEvent } from "../../protocols/index.js";
import type { StoredPlace } from "../../src/decode-event.js";

/** An event and the place that it was, or is about to be, stored at. */
export interface PlacedEvent {
  readonly event: NewEvent;
  readonly place: StoredPlace;
}

/** What one transaction of this process stored. */
export interface Commit {
  /** The last position before the transaction: nothing lies between it and the first of the events. */
  readonly previousPosition: number;
  readonly events: readonly PlacedEvent[];
}

/** Tells the notifier of this process's own commits, so that its watchers need not wait for a poll. */
export class CommitFeed {
  #listener: ((commit: Commit) => void) | undefined;

  connect(listener: (commit: Commit) => void): void {
    this.#listener = listener;
  }

  publish(commit: Commit): void {
    this.#listener?.(commit);
  }
}
