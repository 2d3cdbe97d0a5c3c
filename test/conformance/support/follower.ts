import { ALL_STREAM, type StoredEvent, type StreamBackend, type Subscription } from "../../../protocols/index.js";
import { readAll } from "./storage-calls.js";

/**
 * Follows a stream in the way that the notifier's contract is made for: what joins on to the place that it has reached
 * is taken from the batch, and everything else is a reason to read from storage.
 */
export class Follower {
  readonly places: number[];
  readonly #backend: StreamBackend;
  readonly #streamId: string;
  readonly #subscription: Subscription;
  #reading: Promise<void> | undefined;
  #readAgain = false;

  /** @param place - where the stream stood before the follower subscribed */
  constructor(backend: StreamBackend, streamId: string, place: number) {
    this.#backend = backend;
    this.#streamId = streamId;
    this.places = [place];
    this.#subscription = backend.notifier.subscribe(streamId, (batch) => this.#onBatch(batch));
    this.#read();
  }

  get place(): number {
    return this.places.at(-1) ?? 0;
  }

  async end(): Promise<void> {
    this.#subscription.unsubscribe();
    await this.#reading;
  }

  #onBatch(batch: readonly StoredEvent[]): void {
    // Whether a position joins on cannot be seen from it, so that @all is followed by reading only.
    const joinsOn =
      this.#streamId !== ALL_STREAM && this.#reading === undefined && batch[0]?.version === this.place + 1;
    if (joinsOn) this.#take(batch);
    else this.#read();
  }

  #take(events: readonly StoredEvent[]): void {
    this.places.push(...events.map((event) => (this.#streamId === ALL_STREAM ? event.position : event.version)));
  }

  #read(): void {
    this.#readAgain = true;
    this.#reading ??= this.#readUntilQuiet();
  }

  async #readUntilQuiet(): Promise<void> {
    while (this.#readAgain) {
      this.#readAgain = false;
      this.#take(await readAll(this.#backend.storage, this.#streamId, { after: this.place }));
    }
    // At once: a batch that comes in between would find it reading, and wait for a read that never comes.
    this.#reading = undefined;
  }
}
