import type { Records } from "../../protocols/index.js";
import { Sightings } from "../leases/sightings.js";
import { type Build, type BuildState, readBuild, type Spaces, type Stored, writeBuild } from "./projection-records.js";

/** The record of a build that this process runs, or waits for. */
export class BuildLease {
  readonly #build: Build;
  readonly #spaces: Spaces;
  readonly #owner: string;
  readonly #leaseMs: number;
  #held: { readonly state: BuildState; readonly revision: number } | undefined;
  readonly #sightings = new Sightings();
  #isGone = false;
  #renewedMs = 0;
  #freeAtMs = 0;

  constructor(build: Build, spaces: Spaces, owner: string, leaseMs: number) {
    this.#build = build;
    this.#spaces = spaces;
    this.#owner = owner;
    this.#leaseMs = leaseMs;
  }

  /** Undefined while another process has it. */
  get state(): BuildState | undefined {
    return this.#held?.state;
  }

  /** Whether there is no record any more: somebody has dropped the build. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether it is time to write the record again. */
  get isDue(): boolean {
    // Half of the time between two renewals, since those of a process come at the same moments.
    return performance.now() - this.#renewedMs >= this.#leaseMs / 6;
  }

  /** How long another process has it from now on, as far as this one knows; never longer than its own leases. */
  get freeInMs(): number {
    return Math.max(0, this.#freeAtMs - performance.now());
  }

  lose(): void {
    this.#held = undefined;
  }

  /**
   * Takes the lease within a transaction, where it is free.
   *
   * @returns commit: call it once the transaction has committed; undefined: another process has it, or there is no record
   */
  async take(records: Records): Promise<(() => void) | undefined> {
    const found = await readBuild(records, this.#spaces, this.#build);
    this.#isGone = found === null;
    return found !== null && this.#isFree(found) ? this.#write(records, found.value, {}, found.revision) : undefined;
  }

  /** Whether there is something to take, or no record any more. It changes nothing. */
  async isWorthTaking(records: Pick<Records, "get">): Promise<boolean> {
    const found = await readBuild(records, this.#spaces, this.#build);
    return found === null || this.#isFree(found);
  }

  #isFree({ value }: Stored<BuildState>): boolean {
    const nowMs = performance.now();
    // Not its revision: inline projections write the record as well, and leave the lease as it is.
    const unchangedForMs = this.#sightings.unchangedForMs("until", value.untilMs);
    this.#freeAtMs = nowMs + Math.min(this.#leaseMs, Math.max(0, value.untilMs - Date.now()));
    const isUnchanged = unchangedForMs >= this.#leaseMs;
    return value.owner === null || value.owner === this.#owner || value.untilMs <= Date.now() || isUnchanged;
  }

  /** Reads the record within a transaction: an inline projection moves the position, and leaves the lease as it is. */
  async refresh(records: Records): Promise<void> {
    const found = await readBuild(records, this.#spaces, this.#build);
    if (found?.value.owner !== this.#owner) this.lose();
    else this.#held = { state: found.value, revision: found.revision };
  }

  /** Goes on within a transaction from where an inline projection is, which leaves the lease as it is. */
  async follow(records: Records): Promise<void> {
    const found = await readBuild(records, this.#spaces, this.#build);
    if (found?.value.owner === this.#owner) this.#held = { state: found.value, revision: found.revision };
  }

  /**
   * Writes the record within a transaction, first of all: a holder that was fenced off loses before it changes anything.
   *
   * @returns commit: call it once the transaction has committed
   * @throws RecordConflictError when another process has it
   */
  async write(records: Records, change: Partial<BuildState>): Promise<() => void> {
    if (this.#held === undefined) throw new Error("the lease is not held");
    return this.#write(records, this.#held.state, change, this.#held.revision);
  }

  /**
   * Renews the lease within a transaction that it shares, which fails for all where one throws.
   *
   * @returns as `write`; undefined: somebody else has written the record
   */
  async renew(records: Records, position: number): Promise<(() => void) | undefined> {
    const found = await readBuild(records, this.#spaces, this.#build);
    if (this.#held === undefined || found?.revision !== this.#held.revision) return undefined;
    return this.write(records, { position });
  }

  async #write(records: Records, before: BuildState, change: Partial<BuildState>, expected: number) {
    const beganMs = performance.now();
    const leaseMs = this.#leaseMs;
    const state = { ...before, owner: this.#owner, ...change, untilMs: Date.now() + leaseMs, leaseMs };
    const revision = await writeBuild(records, this.#spaces, this.#build, state, expected);
    return () => {
      this.#held = state.owner === null ? undefined : { state, revision };
      this.#renewedMs = beganMs;
    };
  }
}
