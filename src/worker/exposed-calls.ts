import type { StorageSession } from "../../protocols/index.js";
import { onAbort } from "../watch/abort-listeners.js";
import { encodeError } from "./error-codec.js";
import type { Outcome, SessionDescription, StoreMessage } from "./messages.js";

/** Makes a call of a session. */
export type PerformRequest = (method: string, args: readonly unknown[]) => Promise<unknown>;

/** A call that a worker has made, as what answers it sees it. */
export interface ExposedCall {
  /** Aborted when the worker aborts the call, and when the connection ends. */
  readonly signal: AbortSignal;
  /** Reports how far it is. */
  progress(progress: unknown): void;
  /**
   * Lets the worker work with a session. Resolves when its work is done, and rejects when that fails or the call is aborted.
   */
  converse(session: SessionDescription, perform: PerformRequest): Promise<void>;
}

/** What answers the calls, by method. */
// biome-ignore lint/suspicious/noExplicitAny: the arguments of a method are its own, and come from this library.
export type ExposedMethods = Readonly<Record<string, (call: ExposedCall, ...args: any[]) => Promise<unknown>>>;

interface RunningCall {
  readonly controller: AbortController;
  perform: PerformRequest | undefined;
  settle: (isDone: boolean) => void;
}

/** Answers the calls of one connection. */
export class ExposedCalls {
  readonly #methods: ExposedMethods;
  readonly #post: (message: StoreMessage) => void;
  readonly #running = new Map<number, RunningCall>();
  readonly #drained = new Set<() => void>();

  constructor(methods: ExposedMethods, post: (message: StoreMessage) => void) {
    this.#methods = methods;
    this.#post = post;
  }

  /** Answers a call. */
  async answer(call: number, method: string, args: readonly unknown[]): Promise<void> {
    const running: RunningCall = { controller: new AbortController(), perform: undefined, settle: () => undefined };
    this.#running.set(call, running);
    const outcome = await outcomeOf(
      async () => this.#methods[method]?.(this.#exposed(call, running), ...args),
      running.controller.signal,
    );
    this.#running.delete(call);
    this.#postOutcome(outcome, (sent) => ({ kind: "answer", call, outcome: sent }));
    if (this.#running.size > 0) return;
    for (const resolve of this.#drained) resolve();
    this.#drained.clear();
  }

  #exposed(call: number, running: RunningCall): ExposedCall {
    const { signal } = running.controller;
    return {
      signal,
      progress: (progress) => this.#post({ kind: "progress", call, progress }),
      converse: (session, perform) =>
        new Promise((resolve, reject) => {
          const stopListening = onAbort(signal, () => end(() => reject(signal.reason)));
          const end = (settle: () => void): void => {
            stopListening();
            running.perform = undefined;
            settle();
          };
          running.perform = perform;
          running.settle = (isDone) => end(isDone ? resolve : () => reject(new WorkFailedError()));
          this.#post({ kind: "begun", call, session });
        }),
    };
  }

  /** Makes a call of a session. */
  async request(call: number, request: number, method: string, args: readonly unknown[]): Promise<void> {
    const perform = this.#running.get(call)?.perform;
    // The worker knows why: its call has been answered.
    if (perform === undefined) return;
    const outcome = await outcomeOf(() => perform(method, args));
    this.#postOutcome(outcome, (sent) => ({ kind: "reply", call, request, outcome: sent }));
  }

  /** Sends an outcome, or why no message can carry it: the worker waits for one of them. */
  #postOutcome(outcome: Outcome, messageOf: (outcome: Outcome) => StoreMessage): void {
    try {
      this.#post(messageOf(outcome));
    } catch (error) {
      this.#post(messageOf({ error: encodeError(error) }));
    }
  }

  settle(call: number, isDone: boolean): void {
    this.#running.get(call)?.settle(isDone);
  }

  abort(call: number): void {
    this.#running.get(call)?.controller.abort();
  }

  /** Ends what can be ended: what waits, transactions, and long calls. */
  abortAll(): void {
    for (const { controller } of this.#running.values()) controller.abort();
  }

  /** Resolves once every call is answered. */
  async drained(): Promise<void> {
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#drained.add(resolve));
  }
}

/** Undoes a transaction. The worker has the error itself. */
class WorkFailedError extends Error {}

async function outcomeOf(work: () => Promise<unknown>, signal?: AbortSignal): Promise<Outcome> {
  try {
    return { value: await work() };
  } catch (error) {
    return signal?.aborted && error === signal.reason ? { isAborted: true } : { error: encodeError(error) };
  }
}

/** What a worker has to know of a session. */
export function describeSession({ head, sql, runScript }: StorageSession): SessionDescription {
  return { head, dialect: sql?.dialect, runsScripts: runScript !== undefined };
}
