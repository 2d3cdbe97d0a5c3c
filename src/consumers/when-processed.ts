import { TimeoutError } from "../../protocols/index.js";
import {
  checkOptions,
  checkPlace,
  checkSignal,
  invalidArgument,
  type OptionNames,
} from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";
import { onAbort } from "../watch/abort-listeners.js";
import type { WhenProcessedOptions } from "./consumer.js";

const OPTIONS: OptionNames<WhenProcessedOptions> = { timeoutMs: true, signal: true };
const DEFAULT_TIMEOUT_MS = 10_000;

/** How often the records of other processes are looked at. */
const POLL_INTERVAL_MS = 100;

/** Waits until something is processed: asks with every progress of this process, and now and then for that of others. */
export async function waitUntilProcessed(
  name: string,
  position: number,
  options: WhenProcessedOptions,
  isProcessed: () => Promise<boolean>,
  progress: Set<() => void>,
): Promise<void> {
  checkOptions(options, OPTIONS);
  checkPlace("position", position);
  const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 0)) {
    throw invalidArgument("timeoutMs", `expected milliseconds, got ${describeValue(timeoutMs)}`);
  }
  checkSignal(signal);
  signal?.throwIfAborted();
  const endMs = performance.now() + timeoutMs;
  while (!(await isProcessed())) {
    const leftMs = endMs - performance.now();
    if (leftMs <= 0) throw timeoutError(name, position, timeoutMs);
    await nextProgress(progress, Math.min(leftMs, POLL_INTERVAL_MS), signal);
  }
}

function nextProgress(progress: Set<() => void>, waitMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      progress.delete(settle);
      clearTimeout(timer);
      stopListening?.();
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(settle, waitMs);
    const stopListening = signal === undefined ? undefined : onAbort(signal, settle);
    progress.add(settle);
  });
}

function timeoutError(name: string, position: number, timeoutMs: number): TimeoutError {
  return new TimeoutError(
    `"${name}" has not processed position ${position} within timeoutMs (${timeoutMs} ms). Is it running, and does it go on?`,
  );
}
