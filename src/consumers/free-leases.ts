import type { Records } from "../../protocols/index.js";
import { Sightings } from "../leases/sightings.js";
import { type PartitionState, partitionKey, type RecordOf, writePartition } from "./consumer-records.js";
import { unsavedLimitOf } from "./partition.js";
import { PartitionLease } from "./partition-lease.js";
import type { RunContext } from "./run-context.js";

/** A lease that this process has taken, and its record before. */
export interface TakenLease {
  readonly lease: PartitionLease;
  readonly previous: PartitionState;
}

/**
 * The leases that a process may take. One is free when it was given back, when its time is over, or when its record has not
 * changed for as long: no jump of a clock makes it last.
 */
export class FreeLeases {
  readonly #context: RunContext;
  readonly #sightings = new Sightings();

  constructor(context: RunContext) {
    this.#context = context;
  }

  /** Ask of each record at each look, so that it is known for how long it has not changed. */
  isFree({ key, value, revision }: RecordOf<PartitionState>): boolean {
    const unchangedForMs = this.#sightings.unchangedForMs(key, revision);
    const { settings, outage } = this.#context;
    if (value.owner === null || value.owner === outage.owner || value.untilMs <= Date.now()) return true;
    return unchangedForMs >= settings.leaseMs;
  }

  /**
   * Takes what is free.
   *
   * @param rows - the records in the order of the partitions
   * @param mine - the numbers of those that it has
   * @param share - how many it may have
   */
  async take(
    records: Records,
    rows: readonly RecordOf<PartitionState>[],
    mine: ReadonlySet<number>,
    share: number,
  ): Promise<readonly TakenLease[]> {
    const taken: TakenLease[] = [];
    for (const [index, row] of rows.entries()) {
      if (mine.has(index)) continue;
      const isFree = this.isFree(row);
      if (isFree && mine.size + taken.length < share) taken.push(await this.#takeOne(records, index, row));
    }
    return taken;
  }

  async #takeOne(
    records: Records,
    index: number,
    { value: previous, revision: known }: RecordOf<PartitionState>,
  ): Promise<TakenLease> {
    const { settings, definition, outage } = this.#context;
    const isClean = previous.owner === null;
    const value: PartitionState = {
      ...previous,
      owner: outage.owner,
      untilMs: Date.now() + settings.leaseMs,
      unsaved: isClean ? unsavedLimitOf(this.#context) : previous.unsaved,
    };
    const key = partitionKey(definition.name, index);
    const revision = await writePartition(records, key, value, known);
    return { lease: new PartitionLease(definition.name, index, { key, value, revision }, settings.leaseMs), previous };
  }
}
