import { Sightings } from "../leases/sightings.js";
import type { GroupState, PartitionState, RecordOf } from "./consumer-records.js";

/**
 * Who runs a consumer. A member is forgotten when its time is over, or when it has not said for as long that it is there: no
 * jump of a clock makes it last.
 */
export class Members {
  readonly #owner: string;
  readonly #leaseMs: number;
  readonly #sightings = new Sightings();

  constructor(owner: string, leaseMs: number) {
    this.#owner = owner;
    this.#leaseMs = leaseMs;
  }

  /** Those that are left, and this process. */
  join({ members }: GroupState): GroupState["members"] {
    const nowMs = Date.now();
    const others = Object.entries(members).filter(
      ([owner, { untilMs }]) =>
        owner !== this.#owner && untilMs > nowMs && this.#sightings.unchangedForMs(owner, untilMs) < this.#leaseMs,
    );
    this.#sightings.keepOnly(others.map(([owner]) => owner));
    const own = { ...members[this.#owner], untilMs: nowMs + this.#leaseMs, leaseMs: this.#leaseMs };
    return { ...Object.fromEntries(others), [this.#owner]: own };
  }

  /** Those but this process. */
  without({ members }: GroupState): GroupState["members"] {
    const { [this.#owner]: _, ...others } = members;
    return others;
  }
}

/** How many partitions a process holds at most. */
export function fairShare({ partitions, members }: GroupState): number {
  return Math.ceil(partitions / Object.keys(members).length);
}

/** Whether a process has fewer partitions than each should have. */
export function isAnyLacking({ members, partitions }: GroupState, rows: readonly RecordOf<PartitionState>[]): boolean {
  const owners = Object.keys(members);
  const enough = Math.floor(partitions / owners.length);
  return owners.some((owner) => rows.filter(({ value }) => value.owner === owner).length < enough);
}
