import { setTimeout as delay } from "node:timers/promises";
import { isStreamError, type Stream } from "../../protocols/index.js";
import { isPassingFailure } from "../leases/passing-failure.js";
import { EventFeed } from "./event-feed.js";
import type { LeaseKeeper } from "./lease-keeper.js";
import { STORAGE_RETRY_MS } from "./partition.js";
import { type RunContext, tell } from "./run-context.js";
import { Wake } from "./wake.js";

/** Whom a feeder tells. */
interface FeederListeners {
  /** It is about to read. */
  onTurn(): void;
  /** It cannot go on. */
  onEnd(error: unknown): void;
}

/** Reads for the partitions of this process until the consumer stops: what is there, and then whenever it is woken. */
export class Feeder {
  readonly #context: RunContext;
  readonly #keeper: LeaseKeeper;
  readonly #feed: EventFeed;
  readonly #listeners: FeederListeners;
  readonly #wake = new Wake();

  constructor(context: RunContext, all: Stream, keeper: LeaseKeeper, listeners: FeederListeners) {
    this.#context = context;
    this.#keeper = keeper;
    this.#feed = new EventFeed(context, all, () => keeper.noticeRetries());
    this.#listeners = listeners;
  }

  /** There may be more to read, or room for it. */
  wake(): void {
    this.#wake.wake();
  }

  /** @param signal - stops it, once it is woken */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        this.#listeners.onTurn();
        const { runs, group } = this.#keeper;
        const mayBeMore = await this.#feed.read(runs, group.partitions, signal);
        if (!mayBeMore) await this.#wake.wait();
      } catch (error) {
        if (signal.aborted) return;
        if (isStreamError(error, "EVENT_VERSION")) return this.#endWhenIdle(error, signal);
        if (!isPassingFailure(error)) return this.#listeners.onEnd(error);
        tell({ consumer: this.#context.definition.name, kind: "paused", error, delayMs: STORAGE_RETRY_MS });
        await delay(STORAGE_RETRY_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Ends at an event that this process cannot read, once those before it are handled. */
  async #endWhenIdle(error: unknown, signal: AbortSignal): Promise<void> {
    while ([...this.#keeper.runs.values()].some((run) => !run.isIdle)) {
      await this.#wake.wait();
      if (signal.aborted) return;
    }
    this.#listeners.onEnd(error);
  }
}
