import {
  ALL_STREAM,
  type Notifier,
  type StorageHandle,
  type StoredEvent,
  type Subscription,
} from "../../../protocols/index.js";
import { readAll } from "./storage-calls.js";

/** Subscribes to a stream and keeps every batch. */
export class BatchRecorder {
  readonly batches: (readonly StoredEvent[])[] = [];
  readonly #streamId: string;
  readonly #subscription: Subscription;

  constructor(notifier: Notifier, streamId: string) {
    this.#streamId = streamId;
    this.#subscription = notifier.subscribe(streamId, (batch) => this.batches.push(batch));
  }

  /** The events of all batches, one after the other. */
  get events(): StoredEvent[] {
    return this.batches.flat();
  }

  /**
   * Whether the subscriber knows of everything that is stored: the last batch either ends with the last event, or is
   * empty, upon which the subscriber reads from storage.
   */
  hasHeardOf(last: StoredEvent | undefined): boolean {
    const batch = this.batches.at(-1);
    return batch !== undefined && (batch.length === 0 || this.#placeOf(batch.at(-1)) === this.#placeOf(last));
  }

  /**
   * What is wrong with the batches, given that nothing was stored before `stored`: each event must follow the one
   * before it. Only an empty batch, which sends the subscriber to storage, allows for a gap.
   */
  faultsAgainst(stored: readonly StoredEvent[]): string[] {
    const indexByPlace = new Map(stored.map((event, index) => [this.#placeOf(event), index]));
    const faults: string[] = [];
    let next = 0;
    let mayJump = false;
    for (const batch of this.batches) {
      if (batch.length === 0) mayJump = true;
      for (const event of batch) {
        const index = indexByPlace.get(this.#placeOf(event));
        if (index === undefined) faults.push(`told of an event that is not expected at ${this.#placeOf(event)}`);
        else if (index < next) faults.push(`told again, or too late, of event ${index}`);
        else if (index > next && !mayJump) faults.push(`told of event ${index} where ${next} was due`);
        next = index === undefined ? next : index + 1;
        mayJump = false;
      }
    }
    return faults;
  }

  unsubscribe(): void {
    this.#subscription.unsubscribe();
  }

  #placeOf(event: StoredEvent | undefined): number | undefined {
    return this.#streamId === ALL_STREAM ? event?.position : event?.version;
  }
}

/** The last event of a stream, in storage. */
export async function lastOf(storage: StorageHandle, streamId: string): Promise<StoredEvent | undefined> {
  return (await readAll(storage, streamId)).at(-1);
}
