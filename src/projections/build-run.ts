import { setTimeout as delay } from "node:timers/promises";
import { ALL_STREAM, isStreamError } from "../../protocols/index.js";
import { Wake } from "../consumers/wake.js";
import { untilNextRenewalMs } from "../leases/renewal-beat.js";
import { TABLE_LOCK_PAUSE_MS } from "../limits.js";
import { thrownText } from "../validate/thrown-text.js";
import { BatchProjector, type BuildContext } from "./batch-projector.js";
import { BuildCheckpoint, CHECKPOINT_MS } from "./build-checkpoint.js";
import { BuildLease } from "./build-lease.js";
import type { ParsedProjection } from "./definition.js";
import { PositionMirror } from "./position-mirror.js";
import type { ProjectionFailure, ProjectionStatus } from "./projection.js";
import { isFenced, ProjectionError } from "./projection-error.js";
import type { Build } from "./projection-records.js";
import { RemovedEventsCheck } from "./removed-events.js";
import { RetryBackoff } from "./retry-backoff.js";
import { heldBack, wentBack } from "./went-back.js";

/** How long it waits before it tries again to be shown. */
const SWAP_PAUSE_MS = 10;

/** How often a lease that another process has is looked at: the other says to nobody that it has stopped. */
const STANDBY_INTERVAL_MS = 100;

/** The same where each look is a transaction. */
const STANDBY_TRANSACTION_INTERVAL_MS = 500;

/** Runs one build of a projection, as long as this process has its lease. */
export class BuildRun {
  readonly build: Build;
  readonly finished: Promise<void>;
  readonly #context: BuildContext;
  readonly #projection: ParsedProjection;
  readonly #lease: BuildLease;
  readonly #projector: BatchProjector;
  readonly #checkpoint: BuildCheckpoint;
  readonly #mirror: PositionMirror;
  readonly #removedEvents: RemovedEventsCheck;
  readonly #wake = new Wake();
  readonly #stopping = new AbortController();
  readonly #backoff = new RetryBackoff();
  /** Whether there may be events that were not read. */
  #hasNews = true;
  #state: ProjectionStatus["state"] = "standby";
  #position = 0;
  #head = 0;
  #parked = 0;
  #failure: ProjectionFailure | undefined;

  constructor(context: BuildContext, projection: ParsedProjection, build: Build) {
    this.#context = context;
    this.#projection = projection;
    this.build = build;
    const { model, owner, settings } = context;
    this.#lease = new BuildLease(build, model.spaces, owner, settings.leaseMs);
    this.#projector = new BatchProjector(context, projection, build, this.#lease, () => this.#moved());
    this.#checkpoint = new BuildCheckpoint(context, projection, build, this.#lease, this.#projector);
    this.#mirror = new PositionMirror(context.streams, model, build);
    this.#removedEvents = new RemovedEventsCheck(context.streams, build, context.location);
    this.finished = this.#run();
  }

  get status(): ProjectionStatus {
    const { name, version } = this.build;
    const status = { name, version, state: this.#state, position: this.#position, head: this.#head };
    const failure = this.#failure === undefined ? {} : { error: this.#failure };
    return { ...status, parked: this.#parked, ...failure };
  }

  /** There are new events. */
  wake(): void {
    this.#hasNews = true;
    this.#wake.wake();
  }

  /** Tries again at once what failed. */
  retry(): void {
    this.#backoff.cutShort();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.finished;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (this.#lease.state !== undefined || (await this.#take())) await this.#step();
        else if (this.#lease.isGone) break;
        else await this.#standBy();
      } catch (error) {
        if (!signal.aborted) await this.#onError(error);
      }
    }
    await this.#giveBack();
    if (this.#lease.isGone) this.#failure = this.#failureOf(dropped(this.build));
    this.#change("stopped");
  }

  /** @returns whether this process has the lease now */
  async #take(): Promise<boolean> {
    await this.#checkpoint.take();
    const { state } = this.#lease;
    if (state !== undefined) {
      this.#position = state.position;
      this.#parked = state.parked;
    }
    if (state === undefined) this.#failure = undefined;
    // One that has failed goes on to say so until it has done better.
    if (this.#failure === undefined) this.#change(this.#leaseState);
    return state !== undefined;
  }

  get #leaseState(): ProjectionStatus["state"] {
    const { state } = this.#lease;
    if (state === undefined) return "standby";
    return state.hasCaughtUp ? "live" : "building";
  }

  /** Waits for the lease that another process has, until it may be free. */
  async #standBy(): Promise<void> {
    const { model, settings } = this.#context;
    const { leaseMs } = settings;
    const intervalMs = model.committed === undefined ? STANDBY_TRANSACTION_INTERVAL_MS : STANDBY_INTERVAL_MS;
    const untilMs = performance.now() + Math.min(leaseMs / 3, this.#lease.freeInMs);
    do {
      await this.#pause(untilNextRenewalMs(Math.min(leaseMs / 3, intervalMs)));
      // What fails now fails again where the lease is taken, which says so.
      if (this.#stopping.signal.aborted || (await this.#checkpoint.mayTake().catch(() => true))) return;
    } while (performance.now() < untilMs);
  }

  /** Learns what the inline projection has written, or a rebuild that lets it go on. */
  async #refresh(): Promise<void> {
    await this.#checkpoint.refresh();
    const position = this.#lease.state?.position ?? 0;
    if (position <= this.#position) return;
    this.#position = position;
    this.#context.onChange();
  }

  /** Projects one batch, or waits for events. */
  async #step(): Promise<void> {
    this.#hasNews = false;
    const mayLackEvents = this.#lease.state?.mayLackEvents === true;
    if (mayLackEvents || this.#context.settings.mode === "inline") await this.#refresh();
    const { state } = this.#lease;
    if (state === undefined) return;
    if (state.mayLackEvents === true) await this.#assertNoneRemoved();
    const after = this.#position;
    const { size, pace } = this.#projector;
    const batchSize = size.limitFor(this.#head - after);
    const limit = state.hasCaughtUp ? batchSize : pace.limitFor(batchSize);
    const { signal } = this.#stopping;
    const batch = await this.#context.source.read(this.#projection, { after, limit, signal });
    size.isShared = batch.head > this.#head;
    pace.notePlace(after, batch.head, performance.now());
    this.#head = batch.head;
    const { location } = this.#context;
    if (batch.head < after) throw wentBack(this.build, after, batch.head, location);
    const hasAll = batch.upTo >= batch.head;
    const isFirstTime = hasAll && !state.hasCaughtUp;
    if (batch.events.length > 0 || isFirstTime) {
      await this.#projector.project({ ...batch, batchSize }, hasAll);
      const { shownBeyondEnd } = this.#projector;
      if (shownBeyondEnd !== undefined) throw heldBack(this.build, shownBeyondEnd, this.#position, location);
      this.#recovered();
    } else if (batch.upTo > after) await this.#passOver(batch.upTo);
    await this.#mirror.copy(this.#position);
    if (!hasAll) return;
    if (this.#lease.state?.hasCaughtUp !== true) return this.#pauseBeforeSwap();
    if (this.#state !== "live") this.#change("live");
    await this.#rest();
  }

  #pauseBeforeSwap(): Promise<void> {
    const { leaseMs } = this.#context.settings;
    return this.#pause(this.#projector.isHeldUp ? Math.min(TABLE_LOCK_PAUSE_MS, leaseMs / 3) : SWAP_PAUSE_MS);
  }

  /** Once it is registered, nothing is removed that it has not read. */
  async #assertNoneRemoved(): Promise<void> {
    await this.#removedEvents.assertNoneRemoved();
    await this.#checkpoint.write({ mayLackEvents: false });
  }

  /** Nothing is wanted up to there: known at once here, and written down with the next batch or after a second. */
  async #passOver(upTo: number): Promise<void> {
    this.#position = upTo;
    this.#context.onChange();
    if (this.#checkpoint.isDue) await this.#checkpoint.save(this.#position);
  }

  #moved(): void {
    const { state } = this.#lease;
    this.#position = state?.position ?? this.#position;
    // The batch that shows it may have what came after the head was read.
    this.#head = Math.max(this.#head, this.#position);
    this.#parked = state?.parked ?? this.#parked;
    this.#checkpoint.noteWritten();
    this.#context.onChange();
  }

  /** Waits for events, and keeps the lease meanwhile without a look at the store. */
  async #rest(): Promise<void> {
    while (!this.#hasNews && !this.#stopping.signal.aborted) {
      if (this.#lease.isDue) await this.#checkpoint.renew(this.#position);
      const isUnsaved = this.#lease.state?.position !== this.#position;
      const isWaiting = isUnsaved || this.#mirror.isBehind(this.#position);
      await this.#sleep(isWaiting ? CHECKPOINT_MS : untilNextRenewalMs(this.#context.settings.leaseMs / 3));
      if (isUnsaved && this.#checkpoint.isDue) await this.#checkpoint.save(this.#position);
      await this.#mirror.copy(this.#position);
    }
  }

  /** Waits for new events, for no longer than that. */
  async #sleep(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#wake.wake(), ms);
    await this.#wake.wait();
    clearTimeout(timer);
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  async #onError(error: unknown): Promise<void> {
    if (isFenced(error, this.#context.model.spaces)) {
      // Another process has it, or an inline projection has moved its position: the next look tells which.
      this.#lease.lose();
      return;
    }
    this.#failure = this.#failureOf(error);
    // A process that knows the event may go on meanwhile.
    if (isStreamError(error, "EVENT_VERSION")) await this.#giveBack();
    this.#change("failed");
    const { leaseMs } = this.#context.settings;
    await this.#backoff.wait(this.#stopping.signal, leaseMs / 3, () => this.#keepLease());
  }

  #failureOf(error: unknown): ProjectionFailure {
    if (error instanceof ProjectionError) return error.failure;
    const message = thrownText(error);
    if (isStreamError(error, "EVENT_VERSION")) {
      const { position, streamId, type } = error;
      return { position, streamId, type, message };
    }
    // What is no event's fault: an outage, or a store that went back.
    return { position: this.#position, streamId: ALL_STREAM, type: "", message };
  }

  /** Keeps the lease while it waits: who takes it over would fail too. @returns whether to go on waiting */
  async #keepLease(): Promise<boolean> {
    if (this.#lease.state === undefined || !this.#lease.isDue) return true;
    try {
      await this.#checkpoint.renew(this.#position);
    } catch (error) {
      this.#lease.lose();
      // Somebody has written the record: another process that runs it, or a rebuild that lets it go on.
      return !isFenced(error, this.#context.model.spaces);
    }
    return true;
  }

  #recovered(): void {
    this.#backoff.reset();
    this.#failure = undefined;
    if (this.#state === "failed") this.#change(this.#leaseState);
  }

  async #giveBack(): Promise<void> {
    if (this.#lease.state === undefined) return;
    try {
      await this.#mirror.copy(this.#position, true);
      await this.#checkpoint.giveBack(this.#position);
    } catch {
      // It ends by itself.
    }
    this.#lease.lose();
  }

  #change(state: ProjectionStatus["state"]): void {
    this.#state = state;
    this.#context.onChange();
  }
}

/** Nobody drops what a process runs, but this one may have been suspended for longer than its lease. */
function dropped({ name, version }: Build): Error {
  return new Error(
    `The records of version ${version} of "${name}" were deleted while this process did not renew its lease: by ` +
      "dropProjection, or a day after a later version was shown. Run it again, and it is built again.",
  );
}
