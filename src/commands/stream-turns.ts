import type { StreamFactory } from "../../protocols/index.js";
import { MAX_DECISION_TURN_MS } from "../limits.js";
import { findStreamContext } from "../stream/context-access.js";
import { untilAborted } from "./until-aborted.js";

/** By stores and streams, the end of the last turn that was asked for. */
const turnsByStore = new WeakMap<object, Map<string, Promise<void>>>();

/** A turn on a stream. */
export interface Turn {
  /** Ends it. A second call is harmless. */
  end(): void;
}

/**
 * Lets the commands of this process on one stream go one after the other, once they have got into each other's way: otherwise
 * of many that decide on one version all but one begin anew, again and again. It prevents no conflict with anybody else.
 */
export class StreamTurns {
  readonly #turns: Map<string, Promise<void>>;
  readonly #streamId: string;

  constructor(streams: StreamFactory, streamId: string) {
    const store = findStreamContext(streams) ?? streams;
    const known = turnsByStore.get(store);
    this.#turns = known ?? new Map();
    if (known === undefined) turnsByStore.set(store, this.#turns);
    this.#streamId = streamId;
  }

  /** Whether somebody waits, or has a turn: whoever comes now would only get into their way. */
  get areTaken(): boolean {
    return this.#turns.has(this.#streamId);
  }

  /** Waits for the turn. @throws the signal's reason */
  async take(signal: AbortSignal | undefined): Promise<Turn> {
    const before = this.#turns.get(this.#streamId) ?? Promise.resolve();
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const last = before.then(() => ended);
    this.#turns.set(this.#streamId, last);
    void last.then(() => {
      if (this.#turns.get(this.#streamId) === last) this.#turns.delete(this.#streamId);
    });
    try {
      await untilAborted(before, signal);
    } catch (error) {
      end();
      throw error;
    }
    return { end };
  }
}

/**
 * Waits for a decision, and ends the turn if it takes long: it may wait for another command on the stream, which waits for
 * the turn.
 */
export async function decidedWithin<T>(turn: Turn | undefined, decision: T | PromiseLike<T>): Promise<T> {
  if (turn === undefined) return decision;
  const timer = setTimeout(() => turn.end(), MAX_DECISION_TURN_MS);
  try {
    return await decision;
  } finally {
    clearTimeout(timer);
  }
}
