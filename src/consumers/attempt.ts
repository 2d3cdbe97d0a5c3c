import { TimeoutError } from "../../protocols/index.js";
import { MAX_TIMER_MS } from "../limits.js";
import { thrownValue } from "../validate/thrown-value.js";
import { onAbort } from "../watch/abort-listeners.js";
import type { HandlerContext } from "./consumer.js";

/** So many times the time-out after it a handler that has not settled is reported. */
const REPORT_AFTER_TIMEOUTS = 10;

/** How an attempt ended. */
export type Outcome =
  | { readonly kind: "done" }
  | { readonly kind: "failed"; readonly error: unknown }
  /** The lease was lost or the consumer stopped: the attempt does not count. */
  | { readonly kind: "interrupted" };

export interface AttemptOptions {
  readonly timeoutMs: number;
  /** Aborted when the result is not wanted any more. */
  readonly ending: AbortSignal;
  /** Called when a handler goes on long after it was aborted. */
  readonly onStuck: (error: Error) => void;
}

/** What a handler gets for one attempt. */
export interface AttemptContext extends Pick<HandlerContext, "signal"> {
  /** Aborts the signal before the time-out: the attempt has failed. */
  abort(error: unknown): void;
}

/**
 * Has a handler do its work, and aborts its signal when it takes too long. It is waited for, however long it takes: an event
 * is never handled twice at a time.
 */
export async function attempt(
  handle: (context: AttemptContext) => Promise<void>,
  { timeoutMs, ending, onStuck }: AttemptOptions,
): Promise<Outcome> {
  const controller = new AbortController();
  // Made when it is needed: an error with its stack takes longer than many a handler.
  let late: TimeoutError | undefined;
  const stopListening = onAbort(ending, () => {
    clearTimeout(timer);
    clearTimeout(stuckTimer);
    controller.abort(ending.reason);
  });
  if (ending.aborted) controller.abort(ending.reason);
  const timer = setTimeout(() => {
    late = new TimeoutError(`The handler took longer than handlerTimeoutMs (${timeoutMs} ms).`);
    controller.abort(late);
  }, timeoutMs);
  const stuckTimer = setTimeout(
    () => {
      const message = `The handler still runs after ${REPORT_AFTER_TIMEOUTS} times handlerTimeoutMs (${timeoutMs} ms).`;
      onStuck(new TimeoutError(message));
    },
    Math.min(MAX_TIMER_MS, timeoutMs * REPORT_AFTER_TIMEOUTS),
  );
  const timeout = (): TimeoutError | undefined => (controller.signal.reason === late ? late : undefined);
  try {
    await handle({ signal: controller.signal, abort: (error) => controller.abort(error) });
    const error = timeout();
    return error === undefined ? { kind: "done" } : { kind: "failed", error };
  } catch (error) {
    if (ending.aborted) return { kind: "interrupted" };
    return { kind: "failed", error: timeout() ?? thrownValue(error) };
  } finally {
    clearTimeout(timer);
    clearTimeout(stuckTimer);
    stopListening();
  }
}
