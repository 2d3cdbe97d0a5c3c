import type { Records, StoredEvent } from "../../protocols/index.js";
import type { Undo } from "../leases/undo.js";
import {
  type AttemptState,
  changeGroup,
  isParked,
  type ParkedState,
  readGroup,
  readParked,
  stillParked,
  writeGroup,
  writeParked,
} from "./consumer-records.js";
import { endFailing } from "./mark-due.js";
import { checkParked, isToBeTried } from "./max-parked.js";
import { failedIn, isOutageOf } from "./outage.js";
import { type ParkedByStream, parkedOf, withStream } from "./parked-by-stream.js";
import type { Partition } from "./partition.js";
import { tell } from "./run-context.js";
import { SetAside } from "./set-aside.js";

/** What became of an event that was to be parked. */
export type Parking = "parked" | "lost" | "outage";

/** The streams of a partition that have parked events: later ones wait behind them. */
export class ParkedStreams {
  readonly aside = new SetAside();
  readonly #partition: Partition;
  readonly #partitions: number;
  #parked: ParkedByStream;
  #isStale = false;
  #isUncounted = false;

  constructor(partition: Partition, partitions: number, parked: ParkedByStream) {
    this.#partition = partition;
    this.#partitions = partitions;
    this.#parked = parked;
  }

  has(streamId: string): boolean {
    return this.#parked.has(streamId) || this.aside.has(streamId);
  }

  get isEmpty(): boolean {
    return this.#parked.size === 0;
  }

  /** What is parked of a stream, in the order of positions. */
  of(streamId: string): readonly ParkedState[] {
    return this.#parked.get(streamId) ?? [];
  }

  /** What was set aside whose turn it is to be tried again. */
  get nextAside(): ParkedState | undefined {
    return this.aside.next((streamId) => this.#parked.has(streamId));
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
    for (const [streamId, [first]] of this.#parked) if (first !== undefined && isToBeTried(first)) return streamId;
    return undefined;
  }

  /** Whether what was set aside is parked and is not tried again, so that it counts, once the end of the outage is written. */
  get isUncounted(): boolean {
    return this.#isUncounted && this.#partition.context.outage.recovery === null;
  }

  /** @throws when too many are parked */
  async count(): Promise<void> {
    const { context } = this.#partition;
    const isChecked = await this.#partition.persist(async (records) =>
      checkParked(context, records, await readGroup(records, context.definition.name)),
    );
    if (isChecked) this.#isUncounted = false;
  }

  /**
   * Parks an event, and those that follow in its stream behind it. In an outage it is set aside.
   *
   * @param exhausted - of an event that came to the end of its attempts: what the record has of it in an outage
   */
  async park(event: StoredEvent, attempts: number, error: string | null, exhausted?: AttemptState): Promise<Parking> {
    const { outage } = this.#partition.context;
    const { name } = this.#partition.context.definition;
    const { streamId, position } = event;
    const isExhausted = exhausted !== undefined;
    const parked: ParkedState = { streamId, position, attempts, error, parkedAtMs: Date.now(), isDue: false };
    // What no attempt helps, or what ended its process each time, did not fail because of the outage.
    const setAside: ParkedState = { ...parked, isDue: isExhausted || error === null };
    if (!this.aside.isEmpty) {
      this.aside.add(setAside);
      const isNext = exhausted !== undefined && position >= (this.#partition.lease.state.attempt?.position ?? 0);
      return !isNext || (await this.#partition.save({ attempt: exhausted })) ? "outage" : "lost";
    }
    const { recovery, owner } = outage;
    let ahead: readonly ParkedState[] = [];
    let isOutage = false;
    let noteWritten = (): void => undefined;
    const isSaved = await this.#partition.persist(async (records, undo) => {
      const read = await readGroup(records, name);
      // It was dropped, and its partitions with it.
      if (read === null) return this.#partition.lease.write(records, {}, undo);
      const found = outage.rejoined(read);
      const recovered = recovery === null ? found : await endFailing(records, name, found, owner);
      const group = isExhausted ? failedIn(recovered, owner, streamId) : recovered;
      isOutage = isExhausted && isOutageOf(group, owner);
      noteWritten = () => (isExhausted ? outage.failed(group) : outage.note(group));
      if (exhausted && isOutage) {
        await writeGroup(records, name, group);
        return this.#partition.lease.write(records, { attempt: exhausted }, undo);
      }
      const written = { ...group, parked: group.parked + 1 };
      await writeGroup(records, name, written);
      await this.#partition.lease.write(records, { position, attempt: null }, undo);
      ahead = await this.#stillAhead(records, streamId);
      await writeParked(records, name, parked);
      await checkParked(this.#partition.context, records, written);
    });
    if (!isSaved) return "lost";
    outage.recoveryWritten(recovery);
    noteWritten();
    if (isOutage) {
      this.aside.add(setAside);
      return "outage";
    }
    this.#partition.passed(position);
    this.set(streamId, [...ahead, parked]);
    tell({ consumer: name, kind: "parked", event, error });
    return "parked";
  }

  /** There is nothing to do for an event. */
  passed(position: number): void {
    this.aside.remove(position);
    // Behind what is set aside nothing is done yet.
    if (this.aside.isEmpty) this.#partition.position = Math.max(this.#partition.position, position);
  }

  /** Writes the checkpoint of an event that has succeeded. What was set aside before it is parked. */
  async writeDone(records: Records, position: number, undo: Undo): Promise<void> {
    await this.#partition.lease.write(records, { position, attempt: null }, undo);
    await this.#parkBefore(records, position);
  }

  /** An event has succeeded. @returns false when the partition is lost */
  async done(position: number): Promise<boolean> {
    const isStored = this.#partition.context.definition.transact !== undefined;
    if (!isStored && this.aside.before(position).length > 0) {
      if (!(await this.#partition.persist((records, undo) => this.writeDone(records, position, undo)))) return false;
    }
    this.aside.remove(position);
    this.#asideParked(position);
    return true;
  }

  /** Parks what was set aside: the outage is over, or none of it can be tried as it is. */
  async parkSetAside(): Promise<void> {
    const end = this.aside.last + 1;
    const isSaved = await this.#partition.persist(async (records, undo) => {
      const { attempt } = this.#partition.lease.state;
      const left = attempt !== null && attempt.position >= end ? attempt : null;
      await this.#partition.lease.write(records, { position: end - 1, attempt: left }, undo);
      await this.#parkBefore(records, end);
    });
    if (!isSaved) return;
    this.#partition.position = end - 1;
    this.#asideParked(end);
  }

  async #parkBefore(records: Records, position: number): Promise<void> {
    const { name } = this.#partition.context.definition;
    const states = this.aside.before(position);
    if (states.length === 0) return;
    for (const state of states) await writeParked(records, name, state);
    await changeGroup(records, name, ({ parked }) => ({ parked: parked + states.length }));
  }

  #asideParked(position: number): void {
    const states = this.aside.before(position);
    if (states.some(({ isDue }) => !isDue)) this.#isUncounted = true;
    for (const state of states) this.set(state.streamId, [...this.of(state.streamId), state]);
    this.aside.removeBefore(position);
  }

  /** What is parked of a stream. Another call may have dropped places that this process still remembers. */
  async #stillAhead(records: Records, streamId: string): Promise<readonly ParkedState[]> {
    const { name } = this.#partition.context.definition;
    const known = this.of(streamId);
    const [first] = known;
    if (first === undefined || (await isParked(records, name, first.position))) return known;
    return stillParked(records, name, known);
  }

  /** What is parked of a stream from now on. */
  set(streamId: string, parked: readonly ParkedState[]): void {
    this.#parked = withStream(this.#parked, streamId, parked);
  }
}
