import { setTimeout as sleep } from "node:timers/promises";
import { makeEvent } from "../bench-event.js";
import { percentile } from "../statistics.js";
import type { Store } from "../subject.js";
import type { FigureValues, SizeName } from "../workload.js";

/** Slow subjects are stopped after this time and judged by what they did. */
export const APPEND_LIMIT_MS: Readonly<Record<SizeName, number>> = { small: 2_000, full: 5_000 };

/** Before anything counts, so that slow subjects do not take it twice. */
export const WARM_LIMIT_MS = 1_000;

/** An append that takes so much longer is not waited for. */
const STUCK_MS = 1_000;

/** What appenders did together. */
export class AppendTally {
  readonly latenciesMs: number[] = [];
  errors = 0;
  #beganMs = performance.now();
  #endedMs = this.#beganMs;

  start(): void {
    this.#beganMs = performance.now();
  }

  stop(): void {
    this.#endedMs = performance.now();
  }

  figures(): FigureValues {
    return {
      rate: (this.latenciesMs.length / (this.#endedMs - this.#beganMs)) * 1_000,
      p50: percentile(this.latenciesMs, 50),
      p99: percentile(this.latenciesMs, 99),
      errors: this.errors,
    };
  }
}

export interface AppenderOptions {
  readonly store: Store;
  readonly streamId: string;
  readonly count: number;
  readonly endMs: number;
  readonly tally: AppendTally;
}

/** Appends single events to one stream, each awaited, with the version that the stream is at. Errors are retried. */
export async function appendOneByOne({ store, streamId, count, endMs, tally }: AppenderOptions): Promise<void> {
  for (let version = 0; version < count; ) {
    const event = makeEvent(version);
    const beganMs = performance.now();
    if (beganMs > endMs) return;
    try {
      await store.append(streamId, event, version);
    } catch {
      tally.errors += 1;
      await sleep(1);
      continue;
    }
    tally.latenciesMs.push(performance.now() - beganMs);
    version += 1;
  }
}

/** Appenders side by side, each on a stream of its own. */
export async function appendSideBySide(
  store: Store,
  options: { appenders: number; each: number; name: string; limitMs: number },
): Promise<AppendTally> {
  const tally = new AppendTally();
  tally.start();
  const endMs = performance.now() + options.limitMs;
  const appenders = Array.from({ length: options.appenders }, (_, appender) =>
    appendOneByOne({ store, streamId: `${options.name}-${appender}`, count: options.each, endMs, tally }),
  );
  await Promise.race([Promise.all(appenders), sleep(options.limitMs + STUCK_MS, undefined, { ref: false })]);
  tally.stop();
  return tally;
}
