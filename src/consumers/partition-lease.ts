import type { Records } from "../../protocols/index.js";
import type { Undo } from "../leases/undo.js";
import { type PartitionState, partitionKey, type RecordOf, writePartition } from "./consumer-records.js";

/** A partition that this process holds: its record as it was written last. */
export class PartitionLease {
  readonly index: number;
  /** Grows with every owner. */
  readonly fencingToken: number;
  readonly #key: string;
  readonly #leaseMs: number;
  #state: PartitionState;
  #revision: number;
  #endMs: number;

  constructor(consumer: string, index: number, { value, revision }: RecordOf<PartitionState>, leaseMs: number) {
    this.index = index;
    this.fencingToken = revision;
    this.#key = partitionKey(consumer, index);
    this.#leaseMs = leaseMs;
    this.#state = value;
    this.#revision = revision;
    this.#endMs = performance.now() + leaseMs;
  }

  get state(): PartitionState {
    return this.#state;
  }

  get revision(): number {
    return this.#revision;
  }

  /** Whether the lease may have ended, by the clock that does not jump. */
  get isOver(): boolean {
    return performance.now() >= this.#endMs;
  }

  /**
   * Writes the record within a transaction, and renews the lease.
   *
   * @throws RecordConflictError when another process has taken the partition
   */
  async write(records: Records, change: Partial<PartitionState>, undo: Undo): Promise<void> {
    const before = { state: this.#state, revision: this.#revision, endMs: this.#endMs };
    const beganMs = performance.now();
    const state = { ...this.#state, ...change, untilMs: Date.now() + this.#leaseMs };
    const revision = await writePartition(records, this.#key, state, this.#revision);
    // What shares the commit comes next, and has to give this revision.
    this.#state = state;
    this.#revision = revision;
    this.#endMs = beganMs + this.#leaseMs;
    undo.push(() => {
      if (this.#revision !== revision) return;
      this.#state = before.state;
      this.#revision = before.revision;
      this.#endMs = before.endMs;
    });
  }
}
