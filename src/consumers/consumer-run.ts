import { randomUUID } from "node:crypto";
import { ALL_STREAM, type Stream, type Subscription } from "../../protocols/index.js";
import { decodesLater } from "../adapter-kit/notified-event.js";
import { type LeaseRenewals, type Renew, storeLeaseRenewals } from "../leases/lease-renewals.js";
import { isPassingFailure } from "../leases/passing-failure.js";
import { untilNextRenewalMs } from "../leases/renewal-beat.js";
import type { StoreService } from "../stream/store-service.js";
import { checkOptions, checkPlace, type OptionNames } from "../validate/check-arguments.js";
import { inStore } from "../validate/in-call.js";
import { thrownText } from "../validate/thrown-text.js";
import { onAbort } from "../watch/abort-listeners.js";
import type { Consumer, ConsumerLag, StopOptions, WhenProcessedOptions } from "./consumer.js";
import type { GroupState } from "./consumer-records.js";
import { endRuns } from "./end-runs.js";
import { Feeder } from "./feeder.js";
import { FreeLook } from "./free-look.js";
import { lagOf, lowestPosition } from "./lag.js";
import { LeaseKeeper } from "./lease-keeper.js";
import { Outage } from "./outage.js";
import type { PartitionRun } from "./partition-run.js";
import { isPast, pastAttempts } from "./partitions.js";
import { type RunContext, writeRecords } from "./run-context.js";
import { consumersOf } from "./running-consumers.js";
import { waitUntilProcessed } from "./when-processed.js";

const STOP_OPTIONS: OptionNames<StopOptions> = { drainMs: true };
const DEFAULT_DRAIN_MS = 5_000;

/** Leases are renewed so many times before they would end. */
const RENEWALS_PER_LEASE = 3;

/** Why it does not go on in an outage. */
const PAUSED =
  "It is paused: events of several streams in a row have failed to the end, so one event is tried at a time until one " +
  "succeeds. onError is told what fails.";

/** A running consumer: the leases, the feed and the runs of the partitions that it holds. */
export class ConsumerRun implements Consumer, StoreService {
  readonly name: string;
  readonly ended: Promise<void>;
  readonly #context: RunContext;
  readonly #keeper: LeaseKeeper;
  readonly #renewals: LeaseRenewals;
  readonly #feeder: Feeder;
  readonly #freeLook: FreeLook;
  readonly #all: Stream;
  readonly #stopping = new AbortController();
  /** What it is giving back, and of this what does not wait for its handlers for long. */
  readonly #leaving = new WeakSet<PartitionRun>();
  readonly #ending = new WeakSet<PartitionRun>();
  readonly #progressListeners = new Set<() => void>();
  #subscription: Subscription | undefined;
  #renewTimer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> = Promise.resolve();
  #feeding: Promise<void> = Promise.resolve();
  #stopped: Promise<void> | undefined;
  /** Why it does not run any more. */
  #reason: string | undefined;
  #stopListening: (() => void) | undefined;
  #end: { readonly resolve: () => void; readonly reject: (error: unknown) => void };

  constructor(
    context: Pick<RunContext, "streams" | "access" | "definition" | "settings">,
    group: GroupState,
    all: Stream,
  ) {
    const { definition, settings } = context;
    this.name = definition.name;
    this.#all = all;
    this.#context = {
      ...context,
      outage: new Outage(settings.retry.maxDelayMs, randomUUID(), group),
      isPast: (event) => isPast(this.#keeper.group, event),
      pastAttempts: (position) => pastAttempts(this.#keeper.group, position),
      onProgress: () => this.#onProgress(),
      onRecovered: () => this.renew(),
    };
    this.#keeper = new LeaseKeeper(this.#context, group);
    this.#freeLook = new FreeLook(this.#keeper, () => {
      const looking = this.#renewing.then(() => this.#lookForFree());
      this.#renewing = looking.then(() => undefined);
      return looking;
    });
    this.#renewals = storeLeaseRenewals(context.access);
    this.#feeder = new Feeder(this.#context, all, this.#keeper, {
      onTurn: () => this.#freeLook.soon(),
      onEnd: (error) => this.#fail(error),
    });
    let end: { resolve: () => void; reject: (error: unknown) => void } | undefined;
    this.ended = new Promise((resolve, reject) => {
      end = { resolve, reject };
    });
    this.#end = end as NonNullable<typeof end>;
    this.ended.catch(() => undefined);
  }

  get keeper(): LeaseKeeper {
    return this.#keeper;
  }

  /** Takes its first partitions, and begins. */
  async start(): Promise<void> {
    const { access, settings } = this.#context;
    access.services.add(this);
    if (settings.signal !== undefined) this.#stopListening = onAbort(settings.signal, () => void this.stop());
    await access.notifier.start();
    const wake = decodesLater(() => this.#feeder.wake());
    this.#subscription = access.notifier.subscribe(ALL_STREAM, wake);
    this.#renewLater();
    // A stop waits for it.
    this.renew();
    await this.#renewing;
    // Those of this process give back at once what is to be changed.
    if (this.#keeper.isChanging) this.#wakeOthers();
    this.#feeding = this.#feeder.run(this.#stopping.signal);
  }

  #renewLater(): void {
    this.#renewTimer = setTimeout(
      () => {
        this.#renewing = this.#renewing.then(() => this.#renew((look) => this.#renewals.renew(look)));
        this.#renewLater();
      },
      untilNextRenewalMs(this.#context.settings.leaseMs / RENEWALS_PER_LEASE),
    );
  }

  /** Looks at the records now. */
  renew(): void {
    this.#renewing = this.#renewing.then(() => this.#renewNow());
  }

  /** Looks at the records in a transaction of its own. */
  #renewNow(): Promise<void> {
    return this.#renew((look) => writeRecords(this.#context, look));
  }

  async #renew(transact: (look: Renew) => Promise<void>): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    try {
      const { begun, lost, tooMany, hasRecovered } = await this.#keeper.renew(transact);
      for (const run of begun) run.finished.catch((error: unknown) => this.#fail(error));
      const known = this.#keeper.isChanging ? this.#ending : this.#leaving;
      const leaving = tooMany.filter((run) => !known.has(run));
      if (leaving.length > 0) void this.#giveBack(leaving);
      if (begun.length > 0 || lost.length > 0) this.#feeder.wake();
      if (hasRecovered) this.#wakeOthers();
    } catch (error) {
      // The next renewal tries again; a lease that ends meanwhile is noticed.
      if (!isPassingFailure(error)) this.#fail(error);
    }
  }

  /** @returns whether others have events left to handle */
  async #lookForFree(): Promise<boolean> {
    if (this.#stopping.signal.aborted) return false;
    try {
      const { mayTake, isBehind } = await this.#keeper.free.look();
      if (mayTake) await this.#renewNow();
      return isBehind;
    } catch {
      // The next look tries again.
      return true;
    }
  }

  /** Gives partitions to others; where all wait for them, the handlers have no longer than at a stop. */
  async #giveBack(runs: readonly PartitionRun[]): Promise<void> {
    const { isChanging } = this.#keeper;
    for (const run of runs) this.#leaving.add(run);
    if (isChanging) for (const run of runs) this.#ending.add(run);
    try {
      if (isChanging) await endRuns(runs, DEFAULT_DRAIN_MS);
      else await Promise.all(runs.map((run) => run.drain()));
      await this.#keeper.release(runs, false);
      this.#wakeOthers();
      // The last to give back what is to be changed may change it.
      if (this.#keeper.isChanging) this.renew();
    } catch {
      // Their leases end by themselves.
      for (const run of runs) run.lose();
    }
  }

  /** Those of this process take at once what was given back. */
  #wakeOthers(): void {
    for (const other of consumersOf(this.#context.access, this.name)) if (other !== this) other.renew();
  }

  #onProgress(): void {
    this.#feeder.wake();
    for (const listener of [...this.#progressListeners]) listener();
  }

  /** Ends by itself, which somebody should know although nobody need wait for it. */
  #fail(error: unknown): void {
    if (this.#stopped !== undefined) return;
    const ended = `Consumer "${this.name}"${inStore(this.#context.access.location)} has ended: `;
    const reason = thrownText(error);
    process.emitWarning(reason.startsWith(ended) ? reason : ended + reason, {
      type: "StreamWarning",
      code: "CONSUMER_ENDED",
    });
    this.#reason = `It has ended in this process: ${reason}`;
    this.#end.reject(error);
    void this.stop({ drainMs: 0 });
  }

  lag(): Promise<ConsumerLag> {
    return lagOf(this.#context, this.#keeper);
  }

  whenProcessed(position: number, options: WhenProcessedOptions = {}): Promise<void> {
    const isProcessed = async (): Promise<boolean> => {
      const { runs, group } = this.#keeper;
      const isAlone = runs.size === group.partitions;
      this.#freeLook.soon();
      const lowest = isAlone
        ? Math.min(...[...runs.values()].map((run) => run.position))
        : await lowestPosition(this.#context, runs);
      return lowest >= position;
    };
    const { location } = this.#context.access;
    return waitUntilProcessed(this.name, position, options, {
      location,
      isProcessed,
      listeners: this.#progressListeners,
      failure: () => this.#reason ?? (this.#context.outage.isOn ? PAUSED : undefined),
    });
  }

  async stop(options: StopOptions = {}): Promise<void> {
    checkOptions(options, STOP_OPTIONS);
    const { drainMs = DEFAULT_DRAIN_MS } = options;
    checkPlace("drainMs", drainMs);
    this.#reason ??= "It was stopped in this process.";
    this.#stopped ??= this.#stop(drainMs);
    return this.#stopped;
  }

  async #stop(drainMs: number): Promise<void> {
    const { access } = this.#context;
    clearTimeout(this.#renewTimer);
    this.#freeLook.stop();
    this.#subscription?.unsubscribe();
    this.#stopListening?.();
    this.#stopping.abort();
    this.#feeder.wake();
    // No further event is taken from now on.
    for (const run of this.#keeper.runs.values()) void run.drain();
    await Promise.all([this.#feeding, this.#renewing]);
    const runs = [...this.#keeper.runs.values()];
    await endRuns(runs, drainMs);
    try {
      await this.#keeper.release(runs, true);
    } catch {
      // Its leases end by themselves.
    } finally {
      access.services.delete(this);
      this.#wakeOthers();
      await this.#all[Symbol.asyncDispose]();
      this.#end.resolve();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
