import { isStreamError } from "../../protocols/index.js";
import type { BatchProjector, BuildContext } from "./batch-projector.js";
import type { BuildLease } from "./build-lease.js";
import { dropFormer, formerToDrop } from "./builds.js";
import type { ParsedProjection } from "./definition.js";
import type { ModelTransaction } from "./model-store.js";
import { type Build, type BuildState, type LiveState, readLive } from "./projection-records.js";

/** After so long a position that only passed over events that are not wanted is written down. */
export const CHECKPOINT_MS = 1_000;

/** Writes the record. @returns what the lease becomes with the commit */
type Write = (tx: ModelTransaction) => Promise<(() => void) | undefined>;

/** Writes the record of a build beside its batches, which renews its lease, and looks what readers see meanwhile. */
export class BuildCheckpoint {
  readonly #context: BuildContext;
  readonly #projection: ParsedProjection;
  readonly #build: Build;
  readonly #lease: BuildLease;
  readonly #projector: BatchProjector;
  #writtenMs = 0;

  /** @param projector - in whose transactions it writes */
  constructor(
    context: BuildContext,
    projection: ParsedProjection,
    build: Build,
    lease: BuildLease,
    projector: BatchProjector,
  ) {
    this.#context = context;
    this.#projection = projection;
    this.#build = build;
    this.#lease = lease;
    this.#projector = projector;
  }

  /** Whether it is time to write the position down. */
  get isDue(): boolean {
    return performance.now() - this.#writtenMs >= CHECKPOINT_MS;
  }

  /** The record was written, here or with a batch. */
  noteWritten(): void {
    this.#writtenMs = performance.now();
  }

  /** Takes the lease where it is free. */
  async take(): Promise<void> {
    await this.#writeAndLook((tx) => this.#lease.take(tx.records));
  }

  /** Whether the lease may be taken, by a look that this process shares with its others. */
  async mayTake(): Promise<boolean> {
    const { committed, renewals } = this.#context.model;
    if (committed !== undefined) return this.#lease.isWorthTaking(committed.together);
    let mayTake = false;
    await renewals.renew(async (records) => {
      mayTake = await this.#lease.isWorthTaking(records);
    });
    return mayTake;
  }

  /** Reads the record, which an inline projection or a rebuild may have written. */
  async refresh(): Promise<void> {
    await this.#projector.transact((tx) => this.#lease.refresh(tx.records));
  }

  /** Renews the lease together with others of this process; what is not for them to wait for it does alone. */
  async renew(position: number): Promise<void> {
    const { model, onLive } = this.#context;
    let live: LiveState | null = null;
    let commit: (() => void) | undefined;
    await model.renewals.renew(async (records) => {
      live = await readLive(records, model.spaces, this.#build.name);
      const hasOther = (await formerToDrop(records, model, this.#build, live)).length > 0;
      commit = hasOther ? undefined : await this.#lease.renew(records, position);
    });
    if (commit === undefined) return this.save(position);
    commit();
    this.noteWritten();
    onLive(this.#projection, live);
  }

  /** Writes the position down. */
  async save(position: number): Promise<void> {
    await this.#writeAndLook((tx) => this.#lease.write(tx.records, { position }));
    this.noteWritten();
  }

  /** Writes the position down for whoever takes the lease next. */
  giveBack(position: number): Promise<void> {
    return this.write({ position, owner: null });
  }

  async write(change: Partial<BuildState>): Promise<void> {
    const commit = await this.#projector.transact((tx) => this.#lease.write(tx.records, change));
    commit();
  }

  /** Deletes what nobody sees any more in the same transaction. */
  async #writeAndLook(write: Write): Promise<void> {
    const { model } = this.#context;
    let isDropping = false;
    try {
      await this.#writeWith(write, (tx) => {
        isDropping = true;
        return dropFormer(tx, model, this.#build);
      });
    } catch (error) {
      if (!(isDropping && isStreamError(error, "STORAGE_LOCKED"))) throw error;
      // Somebody still reads it, such as a dump. A later look deletes it.
      await this.#writeWith(write, (tx) => readLive(tx.records, model.spaces, this.#build.name));
    }
  }

  async #writeWith(write: Write, look: (tx: ModelTransaction) => Promise<LiveState | null>): Promise<void> {
    let live: LiveState | null = null;
    const commit = await this.#projector.transact(async (tx) => {
      const written = await write(tx);
      live = await look(tx);
      return written;
    });
    commit?.();
    this.#context.onLive(this.#projection, live);
  }
}
