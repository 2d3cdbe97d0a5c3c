import type { StreamFactory } from "../../protocols/index.js";
import { MAX_DECISION_TURN_MS } from "../limits.js";
import { findStreamContext } from "../stream/context-access.js";
import { untilAborted } from "../watch/abort-listeners.js";

/** By stores and streams, the end of the last turn that was asked for. */
const turnsByStore = new WeakMap<object, Map<string, Promise<void>>>();

/** A turn on a stream. */
export interface Turn {
  /** Ends it. A second call is harmless. */
  end(): void;
}

/**
 * Waits for a turn on a stream: commands of this process on one stream go one after the other, once they have got into each
 * other's way. Otherwise of many that decide on one version all but one begin anew, again and again. It prevents no conflict with
 * anybody else.
 *
 * @throws the signal's reason
 */
export async function takeTurn(
  streams: StreamFactory,
  streamId: string,
  signal: AbortSignal | undefined,
): Promise<Turn> {
  const turns = turnsOf(streams) ?? new Map<string, Promise<void>>();
  turnsByStore.set(storeOf(streams), turns);
  const before = turns.get(streamId) ?? Promise.resolve();
  let end: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const last = before.then(() => ended);
  turns.set(streamId, last);
  void last.then(() => {
    if (turns.get(streamId) === last) turns.delete(streamId);
  });
  try {
    await untilAborted(before, signal);
  } catch (error) {
    end();
    throw error;
  }
  return { end };
}

/** Whether somebody waits for a turn, or has it: whoever comes now would only get into their way. */
export function areTurnsTaken(streams: StreamFactory, streamId: string): boolean {
  return turnsOf(streams)?.has(streamId) === true;
}

function turnsOf(streams: StreamFactory): Map<string, Promise<void>> | undefined {
  return turnsByStore.get(storeOf(streams));
}

function storeOf(streams: StreamFactory): object {
  // Views of a store share its storage.
  return findStreamContext(streams)?.storage ?? streams;
}

/**
 * Waits for a decision, and ends the turn if it takes long: it may wait for another command on the stream, which waits for
 * the turn.
 */
export async function decidedWithin<T>(turn: Turn | undefined, decision: PromiseLike<T>): Promise<T> {
  if (turn === undefined) return decision;
  const timer = setTimeout(() => turn.end(), MAX_DECISION_TURN_MS);
  try {
    return await decision;
  } finally {
    clearTimeout(timer);
  }
}
