import { isStreamError } from "../../../protocols/index.js";

/**
 * Watches the calls of a test for errors that are not the library's: a `StreamError` has a code that programs can switch
 * on, and what a database or a file system throws does not.
 *
 * A call that has been given a signal may fail with that signal's reason.
 */
export class RawErrors {
  readonly #found: string[] = [];

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
      const result = call(...args.map((arg) => withErrorHandler(arg, onError)));
      return result instanceof Promise
        ? this.#watchPromise(result, onError, reasons)
        : this.#watchResult(result, reasons);
    } catch (error) {
      onError(error);
      throw error;
    }
  }

  #watchPromise(
    promise: Promise<unknown>,
    onError: (error: unknown) => void,
    signals: readonly AbortSignal[],
  ): unknown {
    promise.catch(onError);
    return promise.then((value) => (isHandle(value) ? this.watch(value, signals) : value));
  }

  #watchResult(result: unknown, signals: readonly AbortSignal[]): unknown {
    return isIterable(result) ? this.watch(result, signals) : result;
  }

  #judge(name: string, error: unknown, signals: readonly AbortSignal[]): void {
    if (isStreamError(error) || signals.some(({ aborted, reason }) => aborted && reason === error)) return;
    this.#found.push(`${name} failed with a raw error (${String(error)})`);
  }
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
