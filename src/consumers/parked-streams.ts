import type { Records, StoredEvent } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";
import { thrownText } from "../validate/thrown-text.js";
import type { Outcome } from "./attempt.js";
import { attemptEvent, report, StoreFailure } from "./attempt-event.js";
import {
  changeGroup,
  deleteParked,
  type FailingState,
  isParked,
  type ParkedState,
  readGroup,
  readParked,
  writeGroup,
  writeParked,
} from "./consumer-records.js";
import { endFailing } from "./mark-due.js";
import { failingWith } from "./outage.js";
import type { Partition } from "./partition.js";
import { partitionOf } from "./partitions.js";
import { readEvent } from "./read-event.js";
import { type RunContext, tell } from "./run-context.js";

/** The error of an event that has ended the process with its last attempt. */
export const LAST_ENDED = "The process ended during the last attempt.";

/** What is parked of a partition, by stream, in the order of positions. */
export type ParkedByStream = ReadonlyMap<string, readonly ParkedState[]>;

/** What is parked of one partition. */
export function parkedOf(
  index: number,
  partitions: number,
  parked: Iterable<{ readonly value: ParkedState }>,
): ParkedByStream {
  const streams = new Map<string, ParkedState[]>();
  for (const { value } of parked) {
    if (partitionOf(value.streamId, partitions) !== index) continue;
    const ofStream = streams.get(value.streamId) ?? [];
    streams.set(value.streamId, ofStream);
    ofStream.push(value);
  }
  return streams;
}

/** The streams of a partition that have parked events: later ones wait behind them. */
export class ParkedStreams {
  readonly #partition: Partition;
  readonly #partitions: number;
  #parked: ParkedByStream;
  #isStale = false;

  constructor(partition: Partition, partitions: number, parked: ParkedByStream) {
    this.#partition = partition;
    this.#partitions = partitions;
    this.#parked = parked;
  }

  has(streamId: string): boolean {
    return this.#parked.has(streamId);
  }

  get isEmpty(): boolean {
    return this.#parked.size === 0;
  }

  /** Whether other calls have changed what is parked since it was read. */
  get isStale(): boolean {
    return this.#isStale;
  }

  becomeStale(): void {
    this.#isStale = true;
  }

  /** Reads what is parked. Not while an event is under way, which changes it as well. */
  async readAnew(): Promise<void> {
    const { context, lease } = this.#partition;
    this.#isStale = false;
    let parked = this.#parked;
    await this.#partition.persist(async (records) => {
      parked = parkedOf(lease.index, this.#partitions, await readParked(records, context.definition.name));
    });
    this.#parked = parked;
  }

  /** A stream whose first parked event is to be tried: it was asked for, or what it waited behind is gone. */
  get due(): string | undefined {
    for (const [streamId, [first]] of this.#parked) if (first?.isDue || first?.error === null) return streamId;
    return undefined;
  }

  /**
   * Sets an event aside, and those that follow in its stream behind it.
   *
   * @param isExhausted - whether it came to the end of its attempts: in an outage it is not set aside
   * @returns whether there is an outage
   */
  async park(event: StoredEvent, attempts: number, error: string | null, isExhausted = false): Promise<boolean> {
    const { definition, settings, outage } = this.#partition.context;
    const { streamId, position } = event;
    const parked: ParkedState = { streamId, position, attempts, error, parkedAtMs: Date.now(), isDue: false };
    const { recovery } = outage;
    const isOwn = isExhausted && outage.wouldBeOwn(streamId);
    let ahead: readonly ParkedState[] = [];
    let failing: FailingState | null = null;
    let isOutage = isOwn;
    const isSaved = await this.#partition.persist(async (records, undo) => {
      const found = await readGroup(records, definition.name);
      const group = found && recovery ? await endFailing(records, definition.name, found, recovery) : found;
      failing = isExhausted ? failingWith(group?.failing, streamId) : (group?.failing ?? null);
      isOutage = isOwn || (isExhausted && failing?.isOutage === true);
      const count = (group?.parked ?? 0) + (isOutage ? 0 : 1);
      if (group !== null) await writeGroup(records, definition.name, { ...group, failing, parked: count });
      if (isOutage) return void (await this.#partition.lease.write(records, {}, undo));
      await this.#partition.lease.write(records, { position, attempt: null }, undo);
      ahead = await this.#stillAhead(records, streamId);
      await writeParked(records, definition.name, parked);
      if (count > settings.maxParked) throw tooManyParked(this.#partition.context);
    });
    if (!isSaved) return false;
    outage.recoveryWritten(recovery);
    if (isExhausted) outage.failed(streamId, failing);
    else outage.note(failing);
    if (isOutage) return true;
    this.#partition.passed(position);
    this.#set(streamId, [...ahead, parked]);
    tell({ consumer: definition.name, kind: "parked", event, error });
    return false;
  }

  /** What is parked of a stream. Another call may have dropped places that this process still remembers. */
  async #stillAhead(records: Records, streamId: string): Promise<readonly ParkedState[]> {
    const { name } = this.#partition.context.definition;
    const known = this.#parked.get(streamId) ?? [];
    const [first] = known;
    if (first === undefined || (await isParked(records, name, first.position))) return known;
    return stillParked(records, name, known);
  }

  /** Tries the first parked event of a stream again. */
  async retryFirst(streamId: string): Promise<void> {
    const [parked, ...later] = this.#parked.get(streamId) ?? [];
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
    this.#set(streamId, later);
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
    });
    if (isSaved) this.#set(first.streamId, kept);
  }

  async #remove(records: Records, { position }: ParkedState): Promise<void> {
    const { name } = this.#partition.context.definition;
    if (!(await isParked(records, name, position))) return;
    await deleteParked(records, name, position);
    await changeGroup(records, name, (group) => ({ parked: Math.max(0, group.parked - 1) }));
  }

  #set(streamId: string, parked: readonly ParkedState[]): void {
    const all = new Map(this.#parked);
    if (parked.length === 0) all.delete(streamId);
    else all.set(streamId, parked);
    this.#parked = all;
  }
}

/** Those that nobody has given up meanwhile. */
async function stillParked(records: Records, name: string, parked: readonly ParkedState[]): Promise<ParkedState[]> {
  const kept: ParkedState[] = [];
  for (const state of parked) if (await isParked(records, name, state.position)) kept.push(state);
  return kept;
}

function tooManyParked({ definition: { name }, settings: { maxParked }, access: { location } }: RunContext): Error {
  return new Error(
    `Consumer "${name}"${inStore(location)} has ended: more than maxParked (${maxParked}) events would be parked. It is not the events: find ` +
      "out what all of them fail with.",
  );
}
