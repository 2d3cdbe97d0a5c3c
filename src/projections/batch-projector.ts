import { isStreamError, type StoredEvent, type StreamFactory } from "../../protocols/index.js";
import { thrownText } from "../validate/thrown-text.js";
import { BatchSize } from "./batch-size.js";
import type { BuildLease } from "./build-lease.js";
import { BuildPace, MAX_TRANSACTION_BATCHES, MAX_TRANSACTION_EVENTS } from "./build-pace.js";
import { park, type ShownBefore, shownBefore, swap } from "./builds.js";
import type { ParsedProjection, ProjectionSettings } from "./definition.js";
import type { Batch, EventSource } from "./event-source.js";
import { type ModelStore, type ModelTransaction, transactionMs } from "./model-store.js";
import type { ProjectionFailure } from "./projection.js";
import { isOfProject, ProjectionError } from "./projection-error.js";
import type { Build, BuildState, LiveState } from "./projection-records.js";
import { VersionedContext } from "./versioned-context.js";

/** What one transaction takes, in batches of so many events. */
type Taking = Pick<Batch, "events" | "upTo"> & { readonly batchSize: number };

/** What a build runs in. */
export interface BuildContext {
  readonly source: EventSource;
  readonly model: ModelStore;
  readonly settings: ProjectionSettings;
  readonly owner: string;
  readonly location: string | undefined;
  readonly streams: StreamFactory;
  onChange(): void;
  /** Called with what is shown to readers, whenever that was read. */
  onLive(projection: ParsedProjection, live: LiveState | null): void;
}

/** Projects batches of one build, each in the transaction that moves its checkpoint. */
export class BatchProjector {
  readonly size: BatchSize;
  readonly pace: BuildPace;
  readonly #context: BuildContext;
  readonly #projection: ParsedProjection;
  readonly #build: Build;
  readonly #lease: BuildLease;
  readonly #onMoved: () => void;
  #hasRest = false;
  #isSwapping = false;
  /** The event that a transaction ran out of time with when it had no other. */
  #timedOutAt: number | undefined;
  /** Whether somebody reads what is shown for so long that the last swap gave up. */
  isHeldUp = false;
  /** What readers see, where it has more than the store does: that is not replaced by less unless somebody says so. */
  shownBeyondEnd: ShownBefore | undefined;

  /** @param onMoved - called when the lease has another position */
  constructor(
    context: BuildContext,
    projection: ParsedProjection,
    build: Build,
    lease: BuildLease,
    onMoved: () => void,
  ) {
    this.#context = context;
    this.#projection = projection;
    this.#build = build;
    this.#lease = lease;
    this.#onMoved = onMoved;
    this.size = new BatchSize(context.settings.batchSize);
    this.pace = new BuildPace(context.settings.leaseMs);
  }

  /**
   * Halves what fails, so that everything before the event that fails is in the tables, and it is known which one it is.
   *
   * @param hasAll - whether nothing comes after it
   * @throws ProjectionError when an event cannot be projected; everything before it is
   */
  async project({ events, upTo, batchSize }: Taking, hasAll: boolean): Promise<void> {
    if (hasAll) {
      this.isHeldUp = false;
      this.shownBeyondEnd = undefined;
    }
    try {
      await this.#projectAtOnce({ events, upTo, batchSize }, hasAll);
    } catch (error) {
      this.isHeldUp = this.#isSwapping && isStreamError(error, "STORAGE_LOCKED");
      // Without events it renews the lease. What the rest has failed with comes again where it is a batch.
      if (this.isHeldUp || (this.#hasRest && !this.#isSwapping))
        return this.project({ events, upTo, batchSize }, false);
      const half = Math.ceil(events.length / 2);
      const middle = events[half - 1];
      // That the tables cannot be shown is the fault of no event.
      if (middle === undefined || this.#isSwapping || !isOfProject(error, this.#context.model.spaces)) throw error;
      if (events.length === 1 && this.#isToBlame(middle, error)) return this.#stopOrPark(middle, upTo, error);
      await this.project({ events: events.slice(0, half), upTo: middle.position, batchSize }, false);
      await this.project({ events: events.slice(half), upTo, batchSize }, hasAll);
    }
  }

  /** A process that was suspended ran out of time with an event that is none the worse for it: it gets a second time. */
  #isToBlame({ position }: StoredEvent, error: unknown): boolean {
    const isFirstTime = isStreamError(error, "TRANSACTION_TIMEOUT") && this.#timedOutAt !== position;
    this.#timedOutAt = isFirstTime ? position : undefined;
    return !isFirstTime;
  }

  async #stopOrPark({ position, streamId, type }: StoredEvent, upTo: number, error: unknown): Promise<void> {
    const failure = { position, streamId, type, message: thrownText(error) };
    if (this.#context.settings.onError === "stop") throw new ProjectionError(failure);
    await this.#park(failure, upTo);
  }

  async #projectAtOnce(taking: Taking, hasAll: boolean): Promise<void> {
    const { model, onLive, settings } = this.#context;
    const hadCaughtUp = this.#lease.state?.hasCaughtUp === true;
    let live: LiveState | null = null;
    this.#hasRest = false;
    this.#isSwapping = false;
    const commit = await this.transact(async (tx) => {
      // Under constant writes the record moves between any two transactions.
      if (settings.mode === "inline") await this.#lease.follow(tx.records);
      const done = this.#lease.state?.position ?? 0;
      const events = taking.events.filter(({ position }) => position > done);
      const upTo = Math.max(taking.upTo, done);
      const rest = hasAll && !hadCaughtUp ? await this.#rest(tx, upTo) : { events: [], upTo, hasAll };
      const isAtEnd = rest.hasAll;
      const hasCaughtUp = hadCaughtUp || isAtEnd;
      const written = await this.#lease.write(tx.records, { position: rest.upTo, hasCaughtUp });
      const context = new VersionedContext(tx, this.#build, model.spaces);
      for (const batch of batchesOf(events, taking.batchSize)) await this.#projectBatch(batch, context);
      for (const batch of batchesOf(rest.events, this.size.limitFor(0))) await this.#projectBatch(batch, context);
      if (isAtEnd) {
        this.#isSwapping = true;
        live = await swap(tx, model, this.#build, this.#lease.state as BuildState);
        this.#isSwapping = false;
      }
      return written;
    });
    commit();
    this.#onMoved();
    onLive(this.#projection, live);
  }

  async #projectBatch(events: readonly StoredEvent[], context: VersionedContext): Promise<void> {
    const beganMs = performance.now();
    await this.#projection.project(events, context);
    const tookMs = performance.now() - beganMs;
    this.size.note(events.length, tookMs);
    this.pace.noteBatch(events.length, tookMs);
  }

  /** What readers have seen more of since the batch was read: without it they would see less than before. */
  async #rest(tx: ModelTransaction, after: number) {
    const { source, model } = this.#context;
    const shown = await shownBefore(tx.records, model.spaces, this.#build);
    if (shown === null || shown.position <= after) return { events: [], upTo: after, hasAll: true };
    this.#hasRest = true;
    const limit = Math.min(MAX_TRANSACTION_EVENTS, MAX_TRANSACTION_BATCHES * this.size.limitFor(0));
    const { events, upTo, head } = await source.read(this.#projection, { after, limit }, tx.events);
    const mayShowLess = this.#lease.state?.mayShowLess === true;
    if (shown.position > head && !mayShowLess) this.shownBeyondEnd = shown;
    return { events, upTo, hasAll: upTo >= (mayShowLess ? Math.min(shown.position, head) : shown.position) };
  }

  async #park(failure: ProjectionFailure, upTo: number): Promise<void> {
    const { model } = this.#context;
    const commit = await this.transact(async (tx) => {
      const parked = (this.#lease.state?.parked ?? 0) + 1;
      const written = await this.#lease.write(tx.records, { position: upTo, parked });
      await park(tx.records, model.spaces, this.#build, { ...failure });
      return written;
    });
    commit();
    this.#onMoved();
  }

  /** Runs a transaction of the read model, for no longer than the lease. */
  transact<T>(work: (tx: ModelTransaction) => Promise<T>): Promise<T> {
    const { model, settings } = this.#context;
    return model.run(`projection "${this.#build.name}"`, transactionMs(settings.leaseMs), work);
  }
}

function* batchesOf(events: readonly StoredEvent[], size: number): Generator<readonly StoredEvent[]> {
  for (let first = 0; first < events.length; first += size) yield events.slice(first, first + size);
}
