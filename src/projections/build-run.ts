import { setTimeout as delay } from "node:timers/promises";
import { isStreamError, StorageError, type StoredEvent, type StreamFactory } from "../../protocols/index.js";
import { Wake } from "../consumers/wake.js";
import { inStore } from "../validate/in-call.js";
import { BuildLease } from "./build-lease.js";
import { dropFormer, isShown, park, swap } from "./builds.js";
import type { ParsedProjection, ProjectionSettings } from "./definition.js";
import type { Batch, EventSource } from "./event-source.js";
import type { ModelStore, ModelTransaction } from "./model-store.js";
import { PositionMirror } from "./position-mirror.js";
import type { ProjectionFailure, ProjectionStatus } from "./projection.js";
import { type Build, type BuildState, readLive } from "./projection-records.js";
import { VersionedContext } from "./versioned-context.js";

const BATCH_EVENTS = 256;
const CATCH_UP_EVENTS = 2_048;
/** So many events behind, batches are larger. */
const FAR_BEHIND_EVENTS = 10_000;
/** How long a batch should hold the writer, in milliseconds. */
const BATCH_MS = 10;
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 60_000;
/** After so long a position that only passed over events that are not wanted is written down. */
const CHECKPOINT_MS = 1_000;

/** What a build runs in. */
export interface BuildContext {
  readonly source: EventSource;
  readonly model: ModelStore;
  readonly settings: ProjectionSettings;
  readonly owner: string;
  readonly location: string | undefined;
  readonly streams: StreamFactory;
  onChange(): void;
}

/** Runs one build of a projection, as long as this process has its lease. */
export class BuildRun {
  readonly build: Build;
  readonly finished: Promise<void>;
  readonly #context: BuildContext;
  readonly #projection: ParsedProjection;
  readonly #lease: BuildLease;
  readonly #mirror: PositionMirror;
  readonly #wake = new Wake();
  readonly #stopping = new AbortController();
  #state: ProjectionStatus["state"] = "standby";
  #position = 0;
  #head = 0;
  #parked = 0;
  #failure: ProjectionFailure | undefined;
  #batchEvents = BATCH_EVENTS;
  #retryMs = MIN_RETRY_MS;
  #savedMs = 0;

  constructor(context: BuildContext, projection: ParsedProjection, build: Build) {
    this.#context = context;
    this.#projection = projection;
    this.build = build;
    const { model, owner, settings } = context;
    this.#lease = new BuildLease(build, model.spaces, owner, settings.leaseMs);
    this.#mirror = new PositionMirror(context.streams, model, build);
    this.finished = this.#run();
  }

  get status(): ProjectionStatus {
    const status = {
      name: this.build.name,
      version: this.build.version,
      state: this.#state,
      position: this.#position,
      head: this.#head,
      parked: this.#parked,
    };
    return this.#failure === undefined ? status : { ...status, error: this.#failure };
  }

  wake(): void {
    this.#wake.wake();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake.wake();
    await this.finished;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        if (this.#lease.state === undefined && !(await this.#take()))
          await this.#sleep(this.#context.settings.leaseMs / 3);
        else await this.#step();
      } catch (error) {
        if (signal.aborted) break;
        await this.#onError(error);
      }
    }
    await this.#giveBack();
    this.#change("stopped");
  }

  /** @returns whether this process has the lease now */
  async #take(): Promise<boolean> {
    const { model } = this.#context;
    let isShownNow = false;
    const commit = await this.#transact(async (tx) => {
      const live = await readLive(tx.records, model.spaces, this.build.name);
      isShownNow = live !== null && isShown(this.build, live);
      if (isShownNow) await dropFormer(tx, model, this.build.name);
      return this.#lease.take(tx.records);
    });
    commit?.();
    const { state } = this.#lease;
    if (state === undefined) {
      this.#change("standby");
      return false;
    }
    this.#position = state.position;
    this.#parked = state.parked;
    this.#change(state.hasCaughtUp ? "live" : "building");
    return true;
  }

  /** Projects one batch, or waits for events. */
  async #step(): Promise<void> {
    const { source } = this.#context;
    const after = this.#position;
    const limit = this.#batchLimit();
    const batch = await source.read(this.#projection, { after, limit, signal: this.#stopping.signal });
    this.#head = batch.head;
    if (batch.head < after) throw this.#wentBack(after, batch.head);
    const hasAll = batch.upTo >= batch.head;
    const isFirstTime = hasAll && this.#lease.state?.hasCaughtUp === false;
    if (batch.events.length > 0 || isFirstTime) await this.#project(batch, hasAll);
    else if (batch.upTo > after) await this.#passOver(batch.upTo);
    if (batch.events.length > 0) this.#recovered();
    await this.#mirror.copy(this.#position);
    if (!hasAll) return;
    if (this.#state !== "live") this.#change("live");
    await this.#rest();
  }

  #batchLimit(): number {
    const { batchSize } = this.#context.settings;
    if (batchSize !== undefined) return batchSize;
    const isFarBehind = this.#head - this.#position > FAR_BEHIND_EVENTS;
    return isFarBehind ? CATCH_UP_EVENTS : this.#batchEvents;
  }

  async #project({ events, upTo }: Batch, hasAll: boolean): Promise<void> {
    const beganMs = performance.now();
    try {
      await this.#projectAtOnce(events, upTo, hasAll);
    } catch (error) {
      if (events.length === 0 || !isProjections(error, this.#context.model)) throw error;
      // So that everything before the event that fails is in the tables, and it is known which one it is.
      await this.#projectOneByOne(events, upTo, hasAll);
    }
    const tookMs = performance.now() - beganMs;
    if (tookMs > BATCH_MS) this.#batchEvents = Math.max(1, Math.floor((events.length * BATCH_MS) / tookMs));
    else this.#batchEvents = Math.min(BATCH_EVENTS, this.#batchEvents * 2);
  }

  async #projectOneByOne(events: readonly StoredEvent[], upTo: number, hasAll: boolean): Promise<void> {
    for (const [index, event] of events.entries()) {
      const isLast = index === events.length - 1;
      const end = isLast ? upTo : event.position;
      try {
        await this.#projectAtOnce([event], end, isLast && hasAll);
      } catch (error) {
        if (!isProjections(error, this.#context.model)) throw error;
        const { position, streamId, type } = event;
        const failure = { position, streamId, type, message: error instanceof Error ? error.message : String(error) };
        if (this.#context.settings.onError === "stop") throw new ProjectionError(failure);
        await this.#park(failure, end);
      }
    }
  }

  /** Projects events in the transaction that moves the checkpoint. */
  async #projectAtOnce(events: readonly StoredEvent[], upTo: number, hasAll: boolean): Promise<void> {
    const { model } = this.#context;
    const hasCaughtUp = hasAll || this.#lease.state?.hasCaughtUp === true;
    const commit = await this.#transact(async (tx) => {
      const written = await this.#lease.write(tx.records, { position: upTo, hasCaughtUp });
      const context = new VersionedContext(tx, this.build, model.spaces.builds);
      if (events.length > 0) await this.#projection.project(events, context);
      if (hasAll) await swap(tx, model, this.build, this.#lease.state as BuildState);
      return written;
    });
    commit();
    this.#moved(upTo);
  }

  async #park(failure: ProjectionFailure, upTo: number): Promise<void> {
    const { model } = this.#context;
    const parked = this.#parked + 1;
    const commit = await this.#transact(async (tx) => {
      const written = await this.#lease.write(tx.records, { position: upTo, parked });
      await park(tx.records, model.spaces, this.build, { ...failure });
      return written;
    });
    commit();
    this.#parked = parked;
    this.#moved(upTo);
  }

  /** Nothing is wanted up to there: known at once here, and written down with the next batch or after a second. */
  async #passOver(upTo: number): Promise<void> {
    this.#position = upTo;
    this.#context.onChange();
    if (performance.now() - this.#savedMs >= CHECKPOINT_MS) await this.#save();
  }

  async #save(): Promise<void> {
    const commit = await this.#transact((tx) => this.#lease.write(tx.records, { position: this.#position }));
    commit();
    this.#savedMs = performance.now();
  }

  #moved(position: number): void {
    this.#position = position;
    this.#savedMs = performance.now();
    this.#context.onChange();
  }

  /** Waits for events, and keeps the lease meanwhile. */
  async #rest(): Promise<void> {
    const isUnsaved = this.#lease.state?.position !== this.#position || this.#mirror.isBehind(this.#position);
    if (this.#lease.isDue) return this.#save();
    await this.#sleep(isUnsaved ? CHECKPOINT_MS : this.#context.settings.leaseMs / 3);
    if (isUnsaved && performance.now() - this.#savedMs >= CHECKPOINT_MS) await this.#save();
  }

  async #sleep(ms: number): Promise<void> {
    const timer = setTimeout(() => this.#wake.wake(), ms);
    await this.#wake.wait();
    clearTimeout(timer);
  }

  #transact<T>(work: (tx: ModelTransaction) => Promise<T>): Promise<T> {
    const { model, settings } = this.#context;
    return model.run(`projection "${this.build.name}"`, Math.min(settings.leaseMs, 60_000), work);
  }

  async #onError(error: unknown): Promise<void> {
    if (isFenced(error, this.#context.model)) {
      // Another process has it, or an inline projection has moved its position: the next look tells which.
      this.#lease.lose();
      return;
    }
    this.#failure = error instanceof ProjectionError ? error.failure : this.#failure;
    this.#change("failed");
    await delay(this.#retryMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
    this.#retryMs = Math.min(MAX_RETRY_MS, this.#retryMs * 2);
    // The lease goes on meanwhile, if it can.
    if (this.#lease.state !== undefined && this.#lease.isDue) await this.#save().catch(() => this.#lease.lose());
  }

  #recovered(): void {
    this.#retryMs = MIN_RETRY_MS;
    this.#failure = undefined;
    if (this.#state === "failed") this.#change(this.#lease.state?.hasCaughtUp === true ? "live" : "building");
  }

  async #giveBack(): Promise<void> {
    if (this.#lease.state === undefined) return;
    try {
      await this.#mirror.copy(this.#position, true);
      await this.#transact((tx) => this.#lease.write(tx.records, { position: this.#position, owner: null }));
    } catch {
      // It ends by itself.
    }
    this.#lease.lose();
  }

  #change(state: ProjectionStatus["state"]): void {
    this.#state = state;
    this.#context.onChange();
  }

  #wentBack(place: number, head: number): StorageError {
    const message =
      `Projection "${this.build.name}"${inStore(this.#context.location)} has ${place} as its checkpoint, and the last ` +
      `position is ${head}: the store went back. Find out what was lost, and rebuild the projection.`;
    return new StorageError("STORAGE_WENT_BACK", message);
  }
}

/** An event that could not be projected, and by now is known. */
class ProjectionError extends Error {
  readonly failure: ProjectionFailure;

  constructor(failure: ProjectionFailure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Whether an error is of what `project` does, and not of the store or of another process. */
function isProjections(error: unknown, model: ModelStore): boolean {
  if (isFenced(error, model)) return false;
  return !(error instanceof StorageError && error.retryable) && !isStreamError(error, "STREAM_CLOSED");
}

function isFenced(error: unknown, { spaces }: ModelStore): boolean {
  return isStreamError(error, "RECORD_CONFLICT") && error.space === spaces.builds;
}
