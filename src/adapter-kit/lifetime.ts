import { StreamClosedError } from "../../protocols/index.js";

/** Something that ends with its owner. */
export interface Closable {
  /** Ends it. A second call is harmless. */
  close(): void;
}

/**
 * How long a handle or a store lives, and what ends with it.
 *
 * Only what is active is held here (a watch while it is subscribed), so that handles which are dropped rather than
 * disposed cost nothing.
 *
 * @example
 * ```ts
 * const lifetime = new Lifetime("the store /data/bank.jsonl");
 * lifetime.assertOpen("read a page");
 * lifetime.refuse();
 * ```
 */
export class Lifetime {
  readonly #subject: string;
  readonly #parent: Lifetime | undefined;
  readonly #members = new Set<Closable>();
  #closed = false;

  /**
   * Begins to live, and ends with `parent` at the latest.
   *
   * @param subject - names the owner in errors, such as `the handle on stream "a"`
   */
  constructor(subject: string, parent?: Lifetime) {
    this.#subject = subject;
    this.#parent = parent;
  }

  /** Whether the owner, or what it belongs to, has been disposed of. */
  get closed(): boolean {
    return this.#closed || (this.#parent?.closed ?? false);
  }

  /** @throws StreamClosedError once it is closed; the message begins with what was attempted. */
  assertOpen(attempt: string): void {
    this.#parent?.assertOpen(attempt);
    if (this.#closed) {
      throw new StreamClosedError(`Cannot ${attempt}: ${this.#subject} has been disposed. Open a new one.`);
    }
  }

  /** Has the member closed with the owner. */
  add(member: Closable): void {
    this.#members.add(member);
    this.#parent?.add(member);
  }

  /** Forgets a member that has ended by itself. */
  delete(member: Closable): void {
    this.#members.delete(member);
    this.#parent?.delete(member);
  }

  /** From now on nothing new begins; what is active goes on until `close`. */
  refuse(): void {
    this.#closed = true;
  }

  /** Ends all members. A second call does nothing. */
  close(): void {
    this.#closed = true;
    for (const member of [...this.#members]) member.close();
  }
}
