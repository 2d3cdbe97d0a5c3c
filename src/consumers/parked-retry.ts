import type { Records, StoredEvent } from "../../protocols/index.js";
import { thrownText } from "../validate/thrown-text.js";
import type { Outcome } from "./attempt.js";
import { attemptEvent, LAST_ENDED, report, StoreFailure } from "./attempt-event.js";
import {
  changeGroup,
  deleteParked,
  isParked,
  type ParkedState,
  readGroup,
  stillParked,
  writeParked,
} from "./consumer-records.js";
import { checkParked } from "./max-parked.js";
import type { ParkedStreams } from "./parked-streams.js";
import type { Partition } from "./partition.js";
import { readEvent } from "./read-event.js";
import { tell } from "./run-context.js";

/** Tries parked events of a partition again. */
export class ParkedRetry {
  readonly #partition: Partition;
  readonly #parked: ParkedStreams;

  constructor(partition: Partition, parked: ParkedStreams) {
    this.#partition = partition;
    this.#parked = parked;
  }

  /** Tries the first parked event of a stream. */
  async retryFirst(streamId: string): Promise<void> {
    const [parked, ...later] = this.#parked.of(streamId);
    if (parked === undefined) return;
    let event: StoredEvent | undefined;
    try {
      event = await readEvent(this.#partition.context, parked.position);
    } catch (cause) {
      return this.#partition.pause(new StoreFailure("The event cannot be read.", { cause }).delayMs);
    }
    // The read may have taken long: another process may have the partition, and be trying the event itself.
    const { draining, lease } = this.#partition;
    if (draining.aborted || (lease.isOver && !(await this.#partition.save({})))) return;
    const { unsettled = 0 } = parked;
    if (event !== undefined && unsettled >= this.#partition.context.settings.retry.attempts) {
      tell({ consumer: this.#partition.context.definition.name, kind: "parked", event, error: LAST_ENDED });
      return this.#keep(parked, later, LAST_ENDED);
    }
    const isCounted = event !== undefined && this.#partition.careful > 0;
    if (isCounted && !(await this.#write(parked, { attempts: parked.attempts + 1, unsettled: unsettled + 1 }))) return;
    const outcome = event === undefined ? await this.#forget(parked) : await this.#attempt(event, parked);
    if (outcome.kind === "interrupted") {
      // It does not count.
      if (isCounted && !this.#partition.isLost) await this.#write(parked, {});
      return;
    }
    if (outcome.kind === "failed" && event !== undefined) return this.#failed(event, parked, later, outcome.error);
    this.#parked.set(streamId, later);
    if (event !== undefined) this.#partition.succeeded();
    this.#partition.context.onProgress();
  }

  /** Writes a place with some changes, such as an attempt before it is made: it may end the process. */
  #write(parked: ParkedState, change: Partial<ParkedState>): Promise<boolean> {
    const { name } = this.#partition.context.definition;
    return this.#partition.persist(async (records, undo) => {
      await this.#partition.lease.write(records, {}, undo);
      if (await isParked(records, name, parked.position)) await writeParked(records, name, { ...parked, ...change });
    });
  }

  async #attempt(event: StoredEvent, parked: ParkedState): Promise<Outcome> {
    const outcome = await attemptEvent(this.#partition, event, parked.attempts + 1, async (records, undo) => {
      await this.#partition.lease.write(records, {}, undo);
      await this.#remove(records, parked);
    });
    const isStored = this.#partition.context.definition.transact !== undefined;
    return outcome.kind === "done" && !isStored ? this.#forget(parked) : outcome;
  }

  async #forget(parked: ParkedState): Promise<Outcome> {
    const isSaved = await this.#partition.persist(async (records, undo) => {
      await this.#partition.lease.write(records, {}, undo);
      await this.#remove(records, parked);
    });
    return isSaved ? { kind: "done" } : { kind: "interrupted" };
  }

  async #failed(event: StoredEvent, parked: ParkedState, later: readonly ParkedState[], error: unknown): Promise<void> {
    if (error instanceof StoreFailure) return this.#partition.pause(error.delayMs);
    const failed = { ...parked, attempts: parked.attempts + 1 };
    report(this.#partition, event, { attempt: failed.attempts, error, next: "park", delayMs: 0 });
    await this.#keep(failed, later, thrownText(error));
  }

  /** Keeps a stream's events parked, after the first was tried again. */
  async #keep(first: ParkedState, later: readonly ParkedState[], error: string): Promise<void> {
    const { name } = this.#partition.context.definition;
    const all = [{ ...first, error, unsettled: 0 }, ...later].map((state) => ({ ...state, isDue: false }));
    let kept: readonly ParkedState[] = [];
    const isSaved = await this.#partition.persist(async (records, undo) => {
      await this.#partition.lease.write(records, {}, undo);
      kept = await stillParked(records, name, all);
      for (const state of kept) await writeParked(records, name, state);
      await checkParked(this.#partition.context, records, await readGroup(records, name));
    });
    if (isSaved) this.#parked.set(first.streamId, kept);
  }

  async #remove(records: Records, { position }: ParkedState): Promise<void> {
    const { name } = this.#partition.context.definition;
    if (!(await isParked(records, name, position))) return;
    await deleteParked(records, name, position);
    await changeGroup(records, name, (group) => ({ parked: Math.max(0, group.parked - 1) }));
  }
}
