import { setTimeout as delay } from "node:timers/promises";
import { isStreamError } from "../../protocols/index.js";
import { Wake } from "../consumers/wake.js";
import { untilNextRenewalMs } from "../leases/renewal-beat.js";
import { TABLE_LOCK_PAUSE_MS } from "../limits.js";
import { BatchProjector, type BuildContext } from "./batch-projector.js";
import { BuildCheckpoint, CHECKPOINT_MS } from "./build-checkpoint.js";
import { dropped, heldBack, wentBack } from "./build-errors.js";
import { BuildLease } from "./build-lease.js";
import type { BuildPace } from "./build-pace.js";
import { BuildStatus } from "./build-status.js";
import type { ParsedProjection } from "./definition.js";
import { PositionMirror } from "./position-mirror.js";
import type { ProjectionStatus } from "./projection.js";
import { isFenced } from "./projection-error.js";
import type { Build } from "./projection-records.js";
import { RemovedEventsCheck } from "./removed-events.js";
import { RetryBackoff } from "./retry-backoff.js";
import { standBy } from "./standby.js";

/** How long it waits before it tries again to be shown. */
const SWAP_PAUSE_MS = 10;

/** Runs one build of a projection, as long as this process has its lease. */
export class BuildRun {
  readonly build: Build;
  readonly finished: Promise<void>;
  readonly #context: BuildContext;
  readonly #projection: ParsedProjection;
  readonly #lease: BuildLease;
  readonly #status: BuildStatus;
  readonly #projector: BatchProjector;
  readonly #checkpoint: BuildCheckpoint;
  readonly #mirror: PositionMirror;
  readonly #removedEvents: RemovedEventsCheck;
  readonly #wake = new Wake();
  readonly #stopping = new AbortController();
  readonly #backoff = new RetryBackoff();
  /** Whether there may be events that were not read. */
  #hasNews = true;

  constructor(context: BuildContext, projection: ParsedProjection, build: Build) {
    this.#context = context;
    this.#projection = projection;
    this.build = build;
    const { model, owner, settings } = context;
    this.#lease = new BuildLease(build, model.spaces, owner, settings.leaseMs);
    this.#status = new BuildStatus(build, () => context.onChange());
    this.#projector = new BatchProjector(context, projection, build, this.#lease, () => this.#moved());
    this.#checkpoint = new BuildCheckpoint(context, projection, build, this.#lease, this.#projector);
    this.#mirror = new PositionMirror(context.streams, model, build);
    this.#removedEvents = new RemovedEventsCheck(context.streams, build, context.location);
    this.finished = this.#run();
  }

  get status(): ProjectionStatus {
    return this.#status.current;
  }

  /** How fast it takes events here. */
  get pace(): BuildPace {
    return this.#projector.pace;
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
        else await standBy(this.#context, this.#lease, this.#checkpoint, signal);
      } catch (error) {
        if (!signal.aborted) await this.#onError(error);
      }
    }
    await this.#giveBack();
    this.#status.stopped(this.#lease.isGone ? dropped(this.build) : undefined);
  }

  /** @returns whether this process has the lease now */
  async #take(): Promise<boolean> {
    await this.#checkpoint.take();
    const { state } = this.#lease;
    try {
      if (state !== undefined) this.#status.sawHead(await this.#context.source.head());
    } finally {
      this.#status.looked(state);
    }
    return state !== undefined;
  }

  /** Learns what the inline projection has written, or a rebuild that lets it go on. */
  async #refresh(): Promise<void> {
    await this.#checkpoint.refresh();
    const position = this.#lease.state?.position ?? 0;
    if (position > this.#status.position) this.#status.passed(position);
  }

  /** Projects one batch, or waits for events. */
  async #step(): Promise<void> {
    this.#hasNews = false;
    const mayLackEvents = this.#lease.state?.mayLackEvents === true;
    if (mayLackEvents || this.#context.settings.mode === "inline") await this.#refresh();
    const { state } = this.#lease;
    if (state === undefined) return;
    if (state.mayLackEvents === true) await this.#assertNoneRemoved();
    const after = this.#status.position;
    const { size, pace } = this.#projector;
    const batchSize = size.limitFor(this.#status.head - after);
    const limit = state.hasCaughtUp ? batchSize : pace.limitFor(batchSize);
    const { signal } = this.#stopping;
    const batch = await this.#context.source.read(this.#projection, { after, limit, signal });
    size.isShared = batch.head > this.#status.head;
    pace.notePlace(after, batch.head, performance.now());
    this.#status.sawHead(batch.head);
    const { location } = this.#context;
    if (batch.head < after) throw wentBack(this.build, after, batch.head, location);
    const hasAll = batch.upTo >= batch.head;
    const isFirstTime = hasAll && !state.hasCaughtUp;
    if (batch.events.length > 0 || isFirstTime) {
      await this.#projector.project({ ...batch, batchSize }, hasAll);
      const { shownBeyondEnd } = this.#projector;
      if (shownBeyondEnd !== undefined) throw heldBack(this.build, shownBeyondEnd, this.#status.position, location);
      this.#recovered();
    } else if (batch.upTo > after || this.#status.hasFailed) await this.#passOver(batch.upTo);
    await this.#mirror.copy(this.#status.position);
    if (!hasAll) return;
    if (this.#lease.state?.hasCaughtUp !== true) return this.#pauseBeforeSwap();
    this.#status.caughtUp();
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
    this.#status.passed(upTo);
    if (!this.#checkpoint.isDue && !this.#status.hasFailed) return;
    await this.#checkpoint.save(this.#status.position);
    this.#recovered();
  }

  #recovered(): void {
    this.#backoff.reset();
    this.#status.recovered(this.#lease.state);
  }

  #moved(): void {
    this.#checkpoint.noteWritten();
    this.#status.moved(this.#lease.state);
  }

  /** Waits for events, and keeps the lease meanwhile without a look at the store. */
  async #rest(): Promise<void> {
    while (!this.#hasNews && !this.#stopping.signal.aborted) {
      if (this.#lease.isDue) await this.#checkpoint.renew(this.#status.position);
      const isUnsaved = this.#lease.state?.position !== this.#status.position;
      const isWaiting = isUnsaved || this.#mirror.isBehind(this.#status.position);
      await this.#sleep(isWaiting ? CHECKPOINT_MS : untilNextRenewalMs(this.#context.settings.leaseMs / 3));
      if (isUnsaved && this.#checkpoint.isDue) await this.#checkpoint.save(this.#status.position);
      await this.#mirror.copy(this.#status.position);
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
    // A process that knows the event may go on meanwhile.
    if (isStreamError(error, "EVENT_VERSION")) await this.#giveBack();
    this.#status.failed(error);
    const { leaseMs } = this.#context.settings;
    await this.#backoff.wait(this.#stopping.signal, leaseMs / 3, () => this.#keepLease());
  }

  /** Keeps the lease while it waits: who takes it over would fail too. @returns whether to go on waiting */
  async #keepLease(): Promise<boolean> {
    if (this.#lease.state === undefined || !this.#lease.isDue) return true;
    try {
      await this.#checkpoint.renew(this.#status.position);
    } catch (error) {
      this.#lease.lose();
      // Somebody has written the record: another process that runs it, or a rebuild that lets it go on.
      return !isFenced(error, this.#context.model.spaces);
    }
    return true;
  }

  async #giveBack(): Promise<void> {
    if (this.#lease.state === undefined) return;
    try {
      await this.#mirror.copy(this.#status.position, true);
      await this.#checkpoint.giveBack(this.#status.position);
    } catch {
      // It ends by itself.
    }
    this.#lease.lose();
  }
}
