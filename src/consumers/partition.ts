import { setTimeout as delay } from "node:timers/promises";
import { isStreamError, type Records } from "../../protocols/index.js";
import { isPassingFailure } from "../leases/passing-failure.js";
import type { Undo } from "../leases/undo.js";
import type { PartitionState } from "./consumer-records.js";
import type { PartitionLease } from "./partition-lease.js";
import { type RunContext, tell, writeRecords } from "./run-context.js";

/** How long the store is left alone after it failed, in milliseconds. */
export const STORAGE_RETRY_MS = 200;

/** A partition that this process holds: how far it is, its record, and when it ends. */
export class Partition {
  readonly lease: PartitionLease;
  readonly context: RunContext;
  /** The last event that is handled or parked. */
  position: number;
  /** How many of the next events may have been under way when the owner before was gone. */
  careful: number;
  /** Whether a transaction is under way that renews the lease. */
  isTransacting = false;
  /** The event of the last transaction, where that ran out of time after its handler had ended. */
  lateCommit: number | undefined;
  /** Up to where everything is done, which may be further: what is not wanted is passed over. */
  doneUpTo: () => number = () => this.position;
  readonly #ending = new AbortController();
  readonly #draining = new AbortController();
  #isLost = false;
  #unsavedEvents = 0;
  #saveTimer: NodeJS.Timeout | undefined;

  constructor(context: RunContext, lease: PartitionLease, previous: PartitionState) {
    this.context = context;
    this.lease = lease;
    this.position = lease.state.position;
    this.careful = previous.owner === null ? 0 : previous.unsaved + 1;
  }

  /** Aborted when no further event is to be taken. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Aborted when what is under way is to end. */
  get ending(): AbortSignal {
    return this.#ending.signal;
  }

  /** Whether another process has it. */
  get isLost(): boolean {
    return this.#isLost;
  }

  drain(): void {
    this.#draining.abort();
  }

  abort(): void {
    this.#draining.abort();
    this.#ending.abort(new Error(`Consumer "${this.context.definition.name}" has stopped.`));
  }

  lose(): void {
    if (this.#isLost) return;
    this.#isLost = true;
    const { name } = this.context.definition;
    tell({ consumer: name, kind: "lease lost", partition: this.lease.index });
    this.#draining.abort();
    this.#ending.abort(new Error(`Consumer "${name}" has lost partition ${this.lease.index} to another process.`));
  }

  /** An event is done. */
  passed(position: number): void {
    this.position = position;
    if (this.careful > 0) this.careful -= 1;
  }

  /** An event was handled: what fails elsewhere is no outage any more. */
  succeeded(): void {
    if (this.context.outage.succeeded()) this.context.onRecovered();
  }

  /** Writes the checkpoint once so many events or milliseconds have passed. */
  async saveSoon(): Promise<void> {
    const { checkpointEvents, checkpointMs } = this.context.settings;
    this.#unsavedEvents += 1;
    if (this.#unsavedEvents >= checkpointEvents) await this.save({});
    else this.saveLater(checkpointMs);
  }

  /** Writes the checkpoint after a while, unless it is written before. */
  saveLater(ms: number): void {
    this.#saveTimer ??= setTimeout(() => {
      this.#saveTimer = undefined;
      // The transaction that is under way writes it, and would make this one give a revision that is not stored.
      if (this.isTransacting) this.saveLater(ms);
      else this.save({}).catch(() => undefined);
    }, ms);
  }

  /** Writes the record. @returns false when it is another process's */
  save(change: Partial<PartitionState>): Promise<boolean> {
    this.#unsavedEvents = 0;
    this.cancelSave();
    return this.persist((records, undo) => this.write(records, change, undo));
  }

  cancelSave(): void {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = undefined;
  }

  /** Writes where it is, within a transaction. `owner: null` gives it back. */
  write(records: Records, change: Partial<PartitionState>, undo: Undo): Promise<void> {
    // What ended an event may be stored, in the same commit too, before this process has noted that the event has ended.
    const position = Math.max(this.lease.state.position, this.doneUpTo());
    return this.lease.write(records, { position, ...change }, undo);
  }

  /** Writes records; what the store cannot do now is tried again until it can. @returns false when the lease is lost */
  async persist(work: (records: Records, undo: Undo) => Promise<void>): Promise<boolean> {
    for (;;) {
      if (this.#isLost) return false;
      try {
        await writeRecords(this.context, work);
        return true;
      } catch (error) {
        if (isFenced(error)) this.lose();
        else if (!isPassingFailure(error) || this.draining.aborted) throw error;
        else await this.pause(STORAGE_RETRY_MS);
      }
    }
  }

  /** Waits, for no longer than any pause is, also when the clock has jumped; a stop ends it. */
  async pause(ms: number): Promise<void> {
    const pauseMs = Math.min(ms, Math.max(STORAGE_RETRY_MS, this.context.settings.retry.maxDelayMs));
    if (pauseMs > 0) await delay(pauseMs, undefined, { signal: this.draining }).catch(() => undefined);
  }
}

/** Whether another process has taken the partition: applications have no records of reserved spaces. */
export function isFenced(error: unknown): boolean {
  return isStreamError(error, "RECORD_CONFLICT") && error.space.startsWith("@");
}

/** How many events behind its checkpoint a partition may have handled. */
export function unsavedLimitOf({ definition, settings }: Pick<RunContext, "definition" | "settings">): number {
  return definition.transact === undefined ? settings.checkpointEvents : 0;
}
