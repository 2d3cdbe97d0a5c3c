import { AsyncLocalStorage } from "node:async_hooks";
import { TransactionError } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";

/** From this version of Node on, following asynchronous calls costs nothing that can be measured. */
const FIRST_NODE_WITH_CHEAP_CONTEXT = 24;

/** How many calls that wait are remembered for an error message. */
const MAX_REMEMBERED_CALLS = 16;

/** A transaction's callback, until the transaction has ended. */
export interface GuardedCallback extends Disposable {
  run<T>(callback: () => Promise<T>): Promise<T>;
}

interface CallbackState {
  hasEnded: boolean;
  readonly onMisuse: (error: TransactionError) => void;
}

/** A call of the factory, or of one of its handles, that was made while a transaction ran. */
interface WaitingCall {
  readonly call: string;
  readonly sinceMs: number;
}

/**
 * Finds calls that a transaction's callback makes past its `tx`. They would wait for the end of the transaction, which
 * waits for them.
 *
 * With `AsyncLocalStorage` such a call is known at once. It makes every `await` of the process slower before Node 24
 * (53 to 149 ns on 20.20), so there the calls that wait are only noted, for the error of the time-out.
 */
export class CallGuard {
  readonly #location: string | undefined;
  readonly #callbacks: AsyncLocalStorage<CallbackState> | undefined;
  readonly #waiting = new Set<WaitingCall>();
  #running = 0;

  constructor(location: string | undefined, findMisuse: boolean | undefined) {
    this.#location = location;
    const nodeVersion = Number(process.versions.node.split(".")[0]);
    if (findMisuse ?? nodeVersion >= FIRST_NODE_WITH_CHEAP_CONTEXT) this.#callbacks = new AsyncLocalStorage();
  }

  /**
   * Comes first in every call of a factory and its handles.
   *
   * @param call - such as `stream.write`
   * @throws TransactionError `TRANSACTION_MISUSE` inside a transaction's callback
   */
  assertOutside(call: string, streamId?: string): void {
    const callback = this.#callbacks?.getStore();
    if (callback === undefined || callback.hasEnded) return;
    const message =
      `Cannot call ${nameOf(call, streamId)}${inStore(this.#location)} inside a transaction's callback: it would wait for ` +
      "the end of the transaction, or see an older state. The transaction is rolled back. Use what the callback is given " +
      "instead: its tx, or its sql in a migration or projection.";
    const error = new TransactionError("TRANSACTION_MISUSE", message);
    callback.onMisuse(error);
    throw error;
  }

  /** Makes a call, and notes it for as long as it takes if a transaction was running before. */
  note<T>(makeCall: () => Promise<T>, call: string, streamId?: string): Promise<T> {
    const isNoted = this.#running > 0 && this.#waiting.size < MAX_REMEMBERED_CALLS;
    return isNoted ? this.#noteWhile(makeCall(), call, streamId) : makeCall();
  }

  async #noteWhile<T>(promise: Promise<T>, call: string, streamId: string | undefined): Promise<T> {
    const waiting = { call: nameOf(call, streamId), sinceMs: performance.now() };
    this.#waiting.add(waiting);
    try {
      return await promise;
    } finally {
      this.#waiting.delete(waiting);
    }
  }

  /**
   * Begins to guard a transaction's callback. The transaction ends with the disposal: what the callback leaves running may
   * call the factory then.
   *
   * @param onMisuse - told of each call that was refused
   */
  begin(onMisuse: (error: TransactionError) => void): GuardedCallback {
    const state: CallbackState = { hasEnded: false, onMisuse };
    const callbacks = this.#callbacks;
    this.#running += 1;
    return {
      run: (callback) => (callbacks === undefined ? callback() : callbacks.run(state, callback)),
      [Symbol.dispose]: () => {
        state.hasEnded = true;
        this.#running -= 1;
      },
    };
  }

  /** The calls that were made since a callback began and wait, for people; empty where there are none. */
  describeWaiting(beganMs: number): string {
    const nowMs = performance.now();
    const waiting = [...this.#waiting].filter(({ sinceMs }) => sinceMs >= beganMs);
    const calls = waiting.map(
      ({ call, sinceMs }) => `${call} has waited for ${((nowMs - sinceMs) / 1_000).toFixed(1)} s`,
    );
    if (calls.length === 0) return "";
    return (
      ` Meanwhile ${calls.join(", ")}, and goes on now that the transaction has ended; if it was awaited inside, use ` +
      `${adviceFor(waiting)}.`
    );
  }
}

function adviceFor(waiting: readonly WaitingCall[]): string {
  return waiting.every(({ call }) => call.startsWith("stream.write")) ? "tx.write" : "the callback's tx";
}

function nameOf(call: string, streamId: string | undefined): string {
  return streamId === undefined ? call : `${call} on "${streamId}"`;
}
