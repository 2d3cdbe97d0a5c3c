import { TimeoutError } from "../../protocols/index.js";
import { checkOptions, checkSignal, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { inAttempt, inStore } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { onAbort } from "../watch/abort-listeners.js";
import type { WhenProcessedOptions } from "./consumer.js";
import { Wake } from "./wake.js";

const OPTIONS: OptionNames<WhenProcessedOptions> = { timeoutMs: true, signal: true };
const DEFAULT_TIMEOUT_MS = 10_000;

/** How often the records of other processes are looked at: at first, and in the end. */
const FIRST_POLL_INTERVAL_MS = 5;
export const MAX_POLL_INTERVAL_MS = 100;

/** How long the next look at the records of other processes is put off, after so long a wait. */
export function pollIntervalMs(waitedMs: number): number {
  return Math.min(MAX_POLL_INTERVAL_MS, Math.max(FIRST_POLL_INTERVAL_MS, waitedMs / 2));
}

/** What is waited for. */
export interface Processing {
  /** The store of the events, for messages. */
  readonly location: string | undefined;
  /** @param isLast - whether the time is over: then nothing that may tell is left out */
  isProcessed(isLast: boolean): Promise<boolean>;
  /** They are called with every progress of this process. */
  readonly listeners: Set<() => void>;
  /** Why it does not go on, where this process knows. */
  failure?(): string | undefined;
}

/** Waits until something is processed: asks with every progress of this process, and now and then for that of others. */
export async function waitUntilProcessed(
  name: string,
  position: number,
  options: WhenProcessedOptions,
  processing: Processing,
): Promise<void> {
  const { timeoutMs, signal } = inAttempt(`wait for ${JSON.stringify(name)}`, processing.location, () => {
    checkPosition(position);
    return parseOptions(options);
  });
  signal?.throwIfAborted();
  const beganMs = performance.now();
  // Progress that is made while it asks wakes it, too.
  const wake = new Wake();
  const onProgress = (): void => wake.wake();
  processing.listeners.add(onProgress);
  const stopListening = signal === undefined ? undefined : onAbort(signal, onProgress);
  try {
    for (;;) {
      const waitedMs = performance.now() - beganMs;
      const isLast = waitedMs >= timeoutMs;
      if (await processing.isProcessed(isLast)) return;
      signal?.throwIfAborted();
      if (isLast) throw timeoutError(name, position, timeoutMs, processing);
      const timer = setTimeout(onProgress, Math.min(timeoutMs - waitedMs, pollIntervalMs(waitedMs)));
      await wake.wait();
      clearTimeout(timer);
      signal?.throwIfAborted();
    }
  } finally {
    stopListening?.();
    processing.listeners.delete(onProgress);
  }
}

function checkPosition(position: unknown): void {
  if (typeof position === "number" && Number.isSafeInteger(position) && position >= 0) return;
  const reason = `expected a position (0 or more), such as "position" of a write's result`;
  throw invalidArgument("position", `${reason}, got ${describeValue(position)}`);
}

function parseOptions(options: WhenProcessedOptions) {
  checkOptions(options, OPTIONS);
  const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0)) {
    throw invalidArgument("timeoutMs", `expected milliseconds, got ${describeValue(timeoutMs)}`);
  }
  checkSignal(signal);
  return { timeoutMs, signal };
}

function timeoutError(
  name: string,
  position: number,
  timeoutMs: number,
  { location, failure }: Processing,
): TimeoutError {
  const reason = failure?.() ?? "Is it running, and does it go on?";
  return new TimeoutError(
    `Cannot wait for "${name}"${inStore(location)}: it has not processed position ${position} within timeoutMs ` +
      `(${timeoutMs} ms). ${reason}`,
  );
}
