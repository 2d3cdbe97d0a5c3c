import { TransactionError } from "../../protocols/index.js";
import { inCall, inStore } from "../validate/in-call.js";

/**
 * The calls of one transaction: one at a time, in order, none after one that failed, and none after the end.
 *
 * On SQLite a transaction could go on after a failed statement, on PostgreSQL it cannot. So it never does.
 */
export class TransactionCalls {
  readonly #location: string | undefined;
  #last: Promise<unknown> = Promise.resolve();
  /** How many calls have not settled. */
  #underWay = 0;
  #failure: { readonly error: unknown } | undefined;
  /** Why no further call is made: the transaction has ended, and how. */
  #end: string | undefined;
  #onAbandoned: () => void = () => undefined;

  constructor(location: string | undefined) {
    this.#location = location;
  }

  /** The first failure. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /**
   * Makes a call once those before it have settled.
   *
   * @param attempt - such as `write to stream "a"`
   * @param onSettled - called at last, also where the call was not made
   * @throws TransactionError `TRANSACTION_MISUSE` after the end
   */
  run<T>(attempt: string, call: () => Promise<T>, onSettled: () => void = ignore): Promise<T> {
    if (this.#end !== undefined) {
      onSettled();
      return this.#refuse(attempt, this.#end);
    }
    // One that has none before it is made at once: a projection makes one after the other.
    this.#underWay += 1;
    const result =
      this.#underWay === 1 ? this.#make(attempt, call, onSettled) : this.#makeLater(attempt, call, onSettled);
    // One that nobody awaits fails the transaction, and not the process.
    this.#last = result.then(ignore, ignore);
    return result;
  }

  /** It is apart, so that a call that is made at once needs no closure. */
  #makeLater<T>(attempt: string, call: () => Promise<T>, onSettled: () => void): Promise<T> {
    return this.#last.then(() => this.#make(attempt, call, onSettled));
  }

  async #make<T>(attempt: string, call: () => Promise<T>, onSettled: () => void): Promise<T> {
    try {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#end === ABANDONED) throw this.#misuse(attempt, ABANDONED);
      try {
        return await call();
      } catch (error) {
        throw this.#fail(inCall(error, `${attempt} in a transaction`, this.#location));
      }
    } finally {
      this.#underWay -= 1;
      onSettled();
    }
  }

  /**
   * For what a call has brought already, and hands out by and by.
   *
   * @throws TransactionError `TRANSACTION_MISUSE` after the end
   */
  assertGoingOn(attempt: string): void {
    if (this.#end !== undefined) throw this.#misuse(attempt, this.#end);
  }

  // Nobody may await it. After a rollback the caller knows of the failure; after a commit, a change is lost that nobody has
  // been told of, and then an unhandled rejection is right.
  #refuse(attempt: string, end: string): Promise<never> {
    const refused = Promise.reject(this.#misuse(attempt, end));
    if (this.#failure !== undefined) refused.catch(() => undefined);
    return refused;
  }

  /** Waits within a call for what is not the storage's, for no longer than the transaction may go on. */
  async unlessAbandoned<T>(promise: Promise<T>): Promise<T> {
    let refuse: () => void = () => undefined;
    const abandoned = new Promise<never>((_, reject) => {
      refuse = () => reject(this.#misuse("go on with a call", ABANDONED));
    });
    this.#onAbandoned = refuse;
    if (this.#end === ABANDONED) refuse();
    return Promise.race([promise, abandoned]);
  }

  /** Notes that the transaction is lost, though no call has failed. */
  fail(error: unknown): void {
    this.#fail(error);
  }

  /** Waits for the calls that were accepted. */
  async settle(): Promise<void> {
    await this.#last;
  }

  /** Accepts no further call, and waits for those that were accepted. */
  async finish(): Promise<void> {
    this.#end ??= FINISHED;
    await this.#last;
  }

  /** Accepts no further call, makes none of those that wait, and waits for the one that is running. */
  async abandon(): Promise<void> {
    this.#end ??= ABANDONED;
    this.#onAbandoned();
    await this.#last;
  }

  #fail(error: unknown): unknown {
    this.#failure ??= { error };
    return error;
  }

  #misuse(attempt: string, end: string): TransactionError {
    const message =
      `Cannot ${attempt}${inStore(this.#location)}: the transaction ${end}. Nothing was changed; await every call of tx ` +
      "inside the callback.";
    return new TransactionError("TRANSACTION_MISUSE", message);
  }
}

// One for all calls: each statement of a projection is one.
const ignore = (): void => undefined;

const FINISHED = "has ended";
const ABANDONED = "was rolled back";
