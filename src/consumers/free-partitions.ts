import { ALL_STREAM } from "../../protocols/index.js";
import { readGroup, readPartitions } from "./consumer-records.js";
import type { FreeLeases } from "./free-leases.js";
import { fairShare } from "./members.js";
import type { PartitionRun } from "./partition-run.js";
import { type RunContext, readRecords } from "./run-context.js";

/** What a look for free partitions found. */
interface FoundPartitions {
  /** Whether one is free that this process may take within its fair share. */
  readonly mayTake: boolean;
  /** Whether others have events left to handle. */
  readonly isBehind: boolean;
}

/** Looks for partitions that are free, in reads that no writer waits for. */
export class FreePartitions {
  readonly #context: RunContext;
  readonly #freeLeases: FreeLeases;
  readonly #runs: ReadonlyMap<number, PartitionRun>;
  /** The last position of the store, as a look saw it last. */
  #seenHead = 0;

  /** @param runs - those of this process */
  constructor(context: RunContext, freeLeases: FreeLeases, runs: ReadonlyMap<number, PartitionRun>) {
    this.#context = context;
    this.#freeLeases = freeLeases;
    this.#runs = runs;
  }

  /** Looks, and changes nothing. */
  async look(): Promise<FoundPartitions> {
    const { definition, access, outage } = this.#context;
    let mayTake = false;
    const rows = await readRecords(this.#context, async (records) => {
      const found = await readPartitions(records, definition.name);
      const free = found.filter((row, index) => !this.#runs.has(index) && this.#freeLeases.isFree(row));
      const group = free.length > 0 ? await readGroup(records, definition.name) : null;
      // What is to be changed is taken once all of it is free.
      const isEnough = group?.nextPartitions === undefined || free.length === found.length;
      mayTake = group !== null && isEnough && this.#runs.size < fairShare(group);
      return found;
    });
    const others = rows.filter(({ value }) => value.owner !== outage.owner).map(({ value }) => value.position);
    const lowest = Math.min(...others);
    // It only grows: where others are behind what it was, nobody need ask.
    if (others.length > 0 && lowest >= this.#seenHead) this.#seenHead = await access.storage.getVersion(ALL_STREAM);
    return { mayTake, isBehind: lowest < this.#seenHead };
  }
}
