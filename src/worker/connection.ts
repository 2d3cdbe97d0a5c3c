import { StreamClosedError, TransactionError } from "../../protocols/index.js";
import { MAX_WORKER_READS, MAX_WORKER_WRITE_BYTES, MAX_WORKER_WRITES } from "../limits.js";
import { inStore } from "../validate/in-call.js";
import { onAbort } from "../watch/abort-listeners.js";
import { CallWindow } from "./call-window.js";
import { decodeError } from "./error-codec.js";
import type { ClientMessage, Outcome, SessionDescription, StoreDescription, StoreMessage } from "./messages.js";
import { PortMessages } from "./port.js";

/** A call of the store's thread. */
export interface StoreCall {
  readonly method: string;
  readonly args: readonly unknown[];
  /** What it is for, for messages. */
  readonly attempt: string;
  /** Which calls it waits for: writes are begun in order. */
  readonly lane: "read" | "write";
  /** How many bytes a write has. */
  readonly bytes?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: unknown) => void) | undefined;
}

/** Makes calls of a session. */
export type SessionRequest = <T>(method: string, args: readonly unknown[]) => Promise<T>;

/** What a call does with its session. It may be called again, where the store begins again. */
export type SessionWork = (session: SessionDescription, request: SessionRequest) => Promise<void>;

interface Settling {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

interface PendingCall extends Settling {
  readonly call: StoreCall;
  readonly work: SessionWork | undefined;
  readonly requests: Map<number, Settling>;
}

// Numbers go on over all connections of a thread: an answer that comes late finds nobody.
let lastNumber = 0;

/** A number that no other call, request or subscription of this thread has. */
export function nextNumber(): number {
  lastNumber += 1;
  return lastNumber;
}

/** The worker's side: makes calls, and ends all of them when the connection ends. */
export class Connection {
  readonly #messages: PortMessages<StoreMessage, ClientMessage>;
  readonly #pending = new Map<number, PendingCall>();
  readonly #windows = {
    read: new CallWindow(MAX_WORKER_READS, Number.POSITIVE_INFINITY),
    write: new CallWindow(MAX_WORKER_WRITES, MAX_WORKER_WRITE_BYTES),
  };
  readonly #newsListeners = new Map<number, () => void>();
  readonly #endListeners = new Set<() => void>();
  readonly #welcome: Promise<StoreDescription>;
  #onWelcome: (store: StoreDescription) => void = () => undefined;
  #onNoWelcome: (error: unknown) => void = () => undefined;
  #location: string | undefined;
  #hasEnded = false;

  constructor(port: unknown) {
    this.#welcome = new Promise((resolve, reject) => {
      [this.#onWelcome, this.#onNoWelcome] = [resolve, reject];
    });
    this.#messages = new PortMessages(
      port,
      (message) => this.#onMessage(message),
      () => this.#end(),
    );
  }

  /** Waits until the store's thread answers. */
  async open(): Promise<StoreDescription> {
    this.#messages.post({ kind: "hello" });
    const store = await this.#welcome;
    this.#location = store.location;
    return store;
  }

  /**
   * Makes a call. It is sent before this returns, unless too many are under way.
   *
   * @param work - for a call that has a session
   */
  call<T>(call: StoreCall, work?: SessionWork): Promise<T> {
    if (this.#hasEnded) return Promise.reject(this.#closedError(call.attempt));
    if (call.signal?.aborted) return Promise.reject(call.signal.reason);
    return new Promise<T>((resolve, reject) => {
      this.#begin({ call, work, resolve: resolve as Settling["resolve"], reject, requests: new Map() });
    });
  }

  #begin(pending: PendingCall): void {
    const { method, args, lane, bytes = 0, signal } = pending.call;
    const number = nextNumber();
    const window = this.#windows[lane];
    let isSent = false;
    const takeBack = window.enter(bytes, () => {
      isSent = true;
      this.#messages.post({ kind: "call", call: number, method, args });
    });
    const stopListening =
      signal &&
      onAbort(signal, () => {
        if (takeBack()) this.#settle(number, (call) => call.reject(signal.reason));
        else this.#messages.post({ kind: "abort", call: number });
      });
    const end = (): void => {
      this.#pending.delete(number);
      stopListening?.();
      if (isSent) window.leave(bytes);
    };
    const settling: Settling = {
      resolve(value) {
        end();
        pending.resolve(value);
      },
      reject(error) {
        end();
        pending.reject(error);
      },
    };
    this.#pending.set(number, { ...pending, ...settling });
  }

  /** Calls the listener when there is something new. */
  subscribe(streamId: string, onNews: () => void): () => void {
    const subscription = nextNumber();
    this.#newsListeners.set(subscription, onNews);
    this.#messages.post({ kind: "subscribe", subscription, streamId });
    return () => {
      if (this.#newsListeners.delete(subscription)) this.#messages.post({ kind: "unsubscribe", subscription });
    };
  }

  /** Calls the listener when the connection has ended. */
  onEnd(listener: () => void): void {
    this.#endListeners.add(listener);
  }

  /** Ends the connection. A second call is harmless. */
  close(): void {
    this.#messages.post({ kind: "bye" });
    this.#end();
  }

  #onMessage(message: StoreMessage): void {
    switch (message.kind) {
      case "ready":
        if (this.#location === undefined) this.#messages.post({ kind: "hello" });
        break;
      case "welcome":
        this.#onWelcome(message.store);
        break;
      case "answer":
        this.#settle(message.call, (pending) => settleWith(pending, message.outcome, pending.call.signal));
        break;
      case "begun":
        this.#work(message.call, message.session);
        break;
      case "reply":
        this.#reply(message.call, message.request, message.outcome);
        break;
      case "progress":
        this.#pending.get(message.call)?.call.onProgress?.(message.progress);
        break;
      case "news":
        // More may be announced from now on, also where the listener fails.
        this.#messages.post({ kind: "heard", subscription: message.subscription });
        this.#newsListeners.get(message.subscription)?.();
        break;
      case "bye":
        this.#end();
        break;
    }
  }

  #settle(call: number, settle: (pending: PendingCall) => void): void {
    const pending = this.#pending.get(call);
    if (pending === undefined) return;
    settle(pending);
    // The session has ended with its call.
    for (const { reject } of pending.requests.values()) reject(this.#sessionError());
    pending.requests.clear();
  }

  #work(call: number, session: SessionDescription): void {
    const pending = this.#pending.get(call);
    if (pending?.work === undefined) return;
    const settle = (isDone: boolean): void => this.#messages.post({ kind: "settle", call, isDone });
    pending
      .work(session, (method, args) => this.#request(call, method, args))
      .then(
        () => settle(true),
        () => settle(false),
      );
  }

  #request<T>(call: number, method: string, args: readonly unknown[]): Promise<T> {
    const pending = this.#pending.get(call);
    if (pending === undefined) return Promise.reject(this.#sessionError());
    return new Promise<T>((resolve, reject) => {
      const request = nextNumber();
      pending.requests.set(request, { resolve: resolve as Settling["resolve"], reject });
      this.#messages.post({ kind: "request", call, request, method, args });
    });
  }

  #reply(call: number, request: number, outcome: Outcome): void {
    const requests = this.#pending.get(call)?.requests;
    const settling = requests?.get(request);
    requests?.delete(request);
    if (settling !== undefined) settleWith(settling, outcome, undefined);
  }

  #end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#messages.close();
    this.#onNoWelcome(this.#closedError("connect"));
    for (const call of [...this.#pending.keys()]) {
      this.#settle(call, (pending) => pending.reject(this.#closedError(pending.call.attempt)));
    }
    this.#newsListeners.clear();
    for (const listener of this.#endListeners) listener();
  }

  /** Why a session takes no calls any more. */
  #sessionError(): StreamClosedError | TransactionError {
    const attempt = "go on with the transaction";
    if (this.#hasEnded) return this.#closedError(attempt);
    const message = `Cannot ${attempt}${inStore(this.#location)}: the thread of the store has ended it. Nothing was changed.`;
    return new TransactionError("TRANSACTION_MISUSE", message);
  }

  #closedError(attempt: string): StreamClosedError {
    const message =
      `Cannot ${attempt}${inStore(this.#location)}: the connection to the thread of the store has ended. A write that was ` +
      "under way may be stored. Connect again.";
    return new StreamClosedError(message);
  }
}

function settleWith({ resolve, reject }: Settling, outcome: Outcome, signal: AbortSignal | undefined): void {
  if ("value" in outcome) resolve(outcome.value);
  else if ("error" in outcome) reject(decodeError(outcome.error));
  else reject(signal?.reason);
}
