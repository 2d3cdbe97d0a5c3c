import { ALL_STREAM, type EventShape, type StreamFactory } from "../../protocols/index.js";
import {
  checkOptions,
  checkPlace,
  checkSignal,
  checkStreamId,
  invalidArgument,
  type OptionNames,
  streamText,
} from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { checkStore } from "./check-store.js";
import { type Fold, parseFold } from "./fold.js";
import { checkCache, type StateCache } from "./state-cache.js";
import { StateLoad } from "./state-load.js";

/** A state, and the version of the stream that it is the state of. */
export interface Loaded<S> {
  /** The state. Others may have it too, so change nothing in it. */
  readonly state: S;
  /** The version that it is the state of. */
  readonly version: number;
}

/** The options of {@link loadState}. */
export interface LoadStateOptions {
  /** The version to load the state of. Beyond the stream's it is the state at the end. Default: the end. */
  readonly atVersion?: number | undefined;
  /** Keeps the state for the next load. */
  readonly cache?: StateCache | undefined;
  /** Ends the load: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS: OptionNames<LoadStateOptions> = { atVersion: true, cache: true, signal: true };

/**
 * Loads the state of a stream: from the cache, otherwise from the newest snapshot, otherwise from the first event, and then
 * from the events after that. Events of the library itself (`@...`) are left out.
 *
 * A snapshot that is damaged, or that a newer library wrote, is left out too, which `diagnostics_channel`
 * `async-streams:commands` reports. When more than `snapshot.every` events had to be folded, it saves a snapshot, and does not
 * wait for that.
 *
 * @throws StreamDeletedError when the stream is deleted.
 * @throws EventsRemovedError when the first events were removed and there is no snapshot; `STORAGE_CORRUPT` or
 * `STORAGE_NEWER_SCHEMA` when there is one and it cannot be used.
 * @throws InvalidArgumentError when the fold or an option is invalid.
 * @throws StreamClosedError, StorageError as `Stream.read`, and whatever `evolve` throws.
 *
 * @example
 * ```ts
 * const account: Fold<{ balance: number }, BankEvent> = {
 *   name: "account",
 *   initial: () => ({ balance: 0 }),
 *   evolve: ({ balance }, { type, data }) => ({ balance: balance + (type === "Deposited" ? data.amount : -data.amount) }),
 * };
 * const { state, version } = await loadState(streams, account, "account-42");
 * ```
 */
export async function loadState<S, E extends EventShape>(
  streams: StreamFactory,
  fold: Fold<S, E>,
  streamId: string,
  options: LoadStateOptions = {},
): Promise<Loaded<S>> {
  const load = inAttempt(`load the state of ${streamText(streamId)}`, undefined, () => {
    checkStore(streams);
    const parsed = parseFold(fold);
    checkCommandStream(streamId);
    checkOptions(options, OPTIONS);
    const { atVersion, cache, signal } = options;
    checkPlace("atVersion", atVersion);
    checkSignal(signal);
    return new StateLoad({ streams, fold: parsed, streamId, cache: checkCache(cache), atVersion, signal });
  });
  const { state, version } = (await load.run()).folded;
  return { state, version };
}

/** @throws InvalidArgumentError */
export function checkCommandStream(streamId: unknown): asserts streamId is string {
  checkStreamId(streamId);
  if (streamId === ALL_STREAM) {
    throw invalidArgument("streamId", `"${ALL_STREAM}" is no single stream; fold what a query finds (loadQuery)`);
  }
}
