import type { StoredEvent, Watch } from "../../../protocols/index.js";

/** Subscribes to a watch and keeps what it delivers. */
export class Observation {
  readonly events: StoredEvent[] = [];
  readonly errors: unknown[] = [];
  completions = 0;
  readonly #subscription: { unsubscribe(): void };

  /** @param onEvent - is called after the event has been kept */
  constructor(watch: Watch, onEvent: (event: StoredEvent) => void = () => undefined) {
    this.#subscription = watch.subscribe({
      next: (event) => {
        this.events.push(event);
        onEvent(event);
      },
      error: (error: unknown) => {
        this.errors.push(error);
      },
      complete: () => {
        this.completions += 1;
      },
    });
  }

  get hasEnded(): boolean {
    return this.completions > 0 || this.errors.length > 0;
  }

  unsubscribe(): void {
    this.#subscription.unsubscribe();
  }
}
