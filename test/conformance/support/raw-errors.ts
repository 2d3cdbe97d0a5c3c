import { isStreamError } from "../../../protocols/index.js";

/**
 * Watches the calls of a test for errors that are not the library's: a `StreamError` has a code that programs can switch
 * on, and what a database or a file system throws does not.
 *
 * A call that has been given a signal may fail with that signal's reason, a transaction with what its callback throws, a
 * removal with what its `archive` throws, and a put with what its data throws.
 */
export class RawErrors {
  readonly #found: string[] = [];
  /** What callbacks have thrown. */
  readonly #thrown = new Set<unknown>();

  /** Fails when there was one, whether or not the test looked at it. */
  check(): void {
    const [first] = this.#found;
    if (first !== undefined) throw new Error(`${first}. Every failure is a StreamError or the signal's reason`);
  }

  /** The object, with its calls watched, and those of what they return. */
  watch<T extends object>(target: T, signals: readonly AbortSignal[] = []): T {
    return new Proxy(target, {
      get: (_, key) => {
        // The receiver is the target itself: private members are not seen through a proxy.
        const member: unknown = Reflect.get(target, key, target);
        if (isPort(key, member)) return this.watch(member, signals);
        if (typeof member !== "function") return member;
        return (...args: unknown[]) =>
          this.#call(String(key), args, signals, (...given) => member.apply(target, given));
      },
    });
  }

  #call(
    name: string,
    args: unknown[],
    signals: readonly AbortSignal[],
    call: (...args: unknown[]) => unknown,
  ): unknown {
    const reasons = [...signals, ...args.flatMap(signalOf)];
    const onError = (error: unknown): void => this.#judge(name, error, reasons);
    try {
      const watchCallback = (arg: unknown) =>
        TRANSACTIONS.has(name) ? this.#watchCallback(arg, reasons) : this.#watchArchive(this.#watchData(arg));
      const given = args.map(watchCallback);
      const result = call(...given.map((arg) => withErrorHandler(arg, onError)));
      return result instanceof Promise
        ? this.#watchPromise(result, onError, reasons)
        : this.#watchResult(result, reasons);
    } catch (error) {
      onError(error);
      throw error;
    }
  }

  /** A transaction's callback gets a transaction whose calls are watched. */
  #watchCallback(work: unknown, signals: readonly AbortSignal[]): unknown {
    if (typeof work !== "function") return work;
    return (transaction: object) => this.#noteThrown(() => work(this.watch(transaction, signals)));
  }

  #watchArchive(options: unknown): unknown {
    if (typeof options !== "object" || options === null || !("archive" in options)) return options;
    const { archive } = options;
    if (typeof archive !== "function") return options;
    return { ...options, archive: (events: unknown) => this.#noteThrown(() => archive(events)) };
  }

  /** The bytes of a blob, which the test makes. */
  #watchData(arg: unknown): unknown {
    if (typeof arg !== "object" || arg === null || !(Symbol.asyncIterator in arg)) return arg;
    const noteThrown = (next: () => unknown) => this.#noteThrown(next);
    async function* watched() {
      const iterator = (arg as AsyncIterable<unknown>)[Symbol.asyncIterator]();
      try {
        while (true) {
          const { done, value } = (await noteThrown(() => iterator.next())) as IteratorResult<unknown>;
          if (done === true) return;
          yield value;
        }
      } finally {
        await iterator.return?.();
      }
    }
    return { [Symbol.asyncIterator]: watched };
  }

  async #noteThrown(callback: () => unknown): Promise<unknown> {
    try {
      return await callback();
    } catch (error) {
      this.#thrown.add(error);
      throw error;
    }
  }

  #watchPromise(
    promise: Promise<unknown>,
    onError: (error: unknown) => void,
    signals: readonly AbortSignal[],
  ): unknown {
    promise.catch(onError);
    const watched = promise.then((value) => (isHandle(value) ? this.watch(value, signals) : value));
    // What a test does not await has been judged above.
    watched.catch(() => undefined);
    return watched;
  }

  #watchResult(result: unknown, signals: readonly AbortSignal[]): unknown {
    return isIterable(result) ? this.watch(result, signals) : result;
  }

  #judge(name: string, error: unknown, signals: readonly AbortSignal[]): void {
    if (isStreamError(error) || this.#thrown.has(error)) return;
    if (signals.some(({ aborted, reason }) => aborted && reason === error)) return;
    this.#found.push(`${name} failed with a raw error (${String(error)})`);
  }
}

/** The calls that take a callback which runs in a transaction. */
const TRANSACTIONS: ReadonlySet<string> = new Set(["transaction", "transact"]);

/** The parts of a transaction that have calls of their own. */
function isPort(key: string | symbol, member: unknown): member is object {
  return (key === "records" || key === "sql") && typeof member === "object" && member !== null;
}

function signalOf(arg: unknown): readonly AbortSignal[] {
  const signal: unknown = typeof arg === "object" && arg !== null && "signal" in arg ? arg.signal : undefined;
  return signal instanceof AbortSignal ? [signal] : [];
}

/** An observer of a watch hears of its error first. */
function withErrorHandler(arg: unknown, onError: (error: unknown) => void): unknown {
  const isObserver = typeof arg === "object" && arg !== null && "next" in arg && "error" in arg && isPlain(arg);
  if (!isObserver) return arg;
  const { error: handle } = arg as { error: (error: unknown) => void };
  const error = (reason: unknown): void => {
    onError(reason);
    handle(reason);
  };
  return { ...arg, error };
}

function isPlain(value: object): boolean {
  return Object.getPrototypeOf(value) === Object.prototype;
}

/** A stream that was opened. */
function isHandle(value: unknown): value is object {
  return typeof value === "object" && value !== null && Symbol.asyncDispose in value;
}

/** What a read or a watch returns, and what iterates it. */
function isIterable(value: unknown): value is object {
  return typeof value === "object" && value !== null && (Symbol.asyncIterator in value || "next" in value);
}
