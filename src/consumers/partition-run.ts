import type { Records } from "../../protocols/index.js";
import type { Undo } from "../leases/undo.js";
import { decodedBytes } from "../stream/content-bytes.js";
import type { PartitionState } from "./consumer-records.js";
import { attemptUntilSettled, tryAgain } from "./event-attempts.js";
import type { ParkedByStream } from "./parked-by-stream.js";
import { ParkedRetry } from "./parked-retry.js";
import { ParkedStreams } from "./parked-streams.js";
import { Partition } from "./partition.js";
import type { PartitionLease } from "./partition-lease.js";
import type { ReadEvent } from "./read-event.js";
import type { RunContext } from "./run-context.js";
import { Wake } from "./wake.js";

/** Handles the events of one partition, one after the other, for as long as this process holds it. */
export class PartitionRun {
  readonly lease: PartitionLease;
  /** Up to which position it has been given what there is. */
  readPosition: number;
  /** Resolves when it has taken its last event; rejects when an event or the store ends the consumer. */
  readonly finished: Promise<void>;
  readonly #partition: Partition;
  readonly #parked: ParkedStreams;
  readonly #retry: ParkedRetry;
  readonly #queue: (ReadEvent & { readonly bytes: number })[] = [];
  readonly #wake = new Wake();
  #queuedBytes = 0;
  #isBusy = false;

  constructor(
    context: RunContext,
    lease: PartitionLease,
    previous: PartitionState,
    partitions: number,
    parked: ParkedByStream,
  ) {
    this.lease = lease;
    this.readPosition = lease.state.position;
    this.#partition = new Partition(context, lease, previous);
    this.#partition.doneUpTo = () => this.position;
    this.#parked = new ParkedStreams(this.#partition, partitions, parked);
    this.#retry = new ParkedRetry(this.#partition, this.#parked);
    this.finished = this.#run();
  }

  /** Everything of the partition up to here is handled or parked. */
  get position(): number {
    const { position } = this.#partition;
    return this.#isDone ? Math.max(position, this.readPosition) : position;
  }

  /** Whether it has handled all that it was given, or will not. */
  get isIdle(): boolean {
    return this.isLost || this.#isDone;
  }

  get #isDone(): boolean {
    return !this.#isBusy && this.#queue.length === 0 && this.#parked.aside.isEmpty;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get hasParked(): boolean {
    return !this.#parked.isEmpty;
  }

  get isTransacting(): boolean {
    return this.#partition.isTransacting;
  }

  get isLost(): boolean {
    return this.#partition.isLost;
  }

  offer({ event, generation }: ReadEvent): void {
    const bytes = decodedBytes([event]);
    this.#queue.push({ event, generation, bytes });
    this.#queuedBytes += bytes;
    this.#wake.wake();
  }

  /** It has been given all that it wants up to a position, so that what it does not want holds up no prune. */
  readUpTo(position: number): void {
    if (position <= this.readPosition) return;
    this.readPosition = position;
    this.#partition.saveLater(this.#partition.context.settings.checkpointMs);
  }

  /** Other events are parked, or are to be tried again. */
  parkedChanged(): void {
    this.#parked.becomeStale();
    this.#wake.wake();
  }

  /** Takes no further event; resolves when the one under way has ended. */
  drain(): Promise<void> {
    this.#partition.drain();
    this.#wake.wake();
    return this.finished;
  }

  /** Aborts what is under way, too. */
  abort(): void {
    this.#partition.abort();
    this.#wake.wake();
  }

  /** Another process has the partition: nothing is recorded any more. */
  lose(): void {
    this.#partition.lose();
    this.#wake.wake();
  }

  /** Writes where it is, within a transaction. `owner: null` gives the partition back. */
  write(records: Records, change: Partial<PartitionState>, undo: Undo): Promise<void> {
    return this.#partition.write(records, change, undo);
  }

  async #run(): Promise<void> {
    try {
      while (!this.#partition.draining.aborted) {
        const { isStale, due, aside, isUncounted } = this.#parked;
        if (isStale) await this.#parked.readAnew();
        else if (!aside.isEmpty && !this.#partition.context.outage.isOn) await this.#parked.parkSetAside();
        else if (due !== undefined) await this.#retry.retryFirst(due);
        else if (isUncounted) await this.#parked.count();
        else if (this.#queue.length > 0 && !aside.isFull) await this.#takeNext();
        else if (aside.isEmpty) await this.#wake.wait();
        else await this.#tryAside();
      }
    } finally {
      this.#partition.cancelSave();
    }
  }

  async #tryAside(): Promise<void> {
    const next = this.#parked.nextAside;
    if (next === undefined) await this.#parked.parkSetAside();
    else await tryAgain(this.#partition, this.#parked, next);
  }

  async #takeNext(): Promise<void> {
    const next = this.#queue.shift();
    if (next === undefined) return;
    this.#isBusy = true;
    this.#queuedBytes -= next.bytes;
    await this.#take(next);
    // An event that was interrupted is left to the next owner.
    this.#isBusy = this.#parked.aside.isEmpty && this.#partition.position < next.event.position;
    this.#partition.context.onProgress();
  }

  async #take(read: ReadEvent): Promise<void> {
    const { event } = read;
    if (this.#partition.context.isPast(event)) this.#parked.passed(event.position);
    else if (this.#parked.has(event.streamId)) await this.#parked.park(event, 0, null);
    else await attemptUntilSettled(this.#partition, this.#parked, read);
  }
}
