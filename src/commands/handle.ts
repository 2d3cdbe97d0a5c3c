import type { CandidateEvent, EventShape, StreamFactory, WriteResult } from "../../protocols/index.js";
import { checkFunction, invalidArgument, streamText } from "../validate/check-arguments.js";
import { inCall } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { checkStore } from "./check-store.js";
import { type HandleOptions, parseHandleOptions } from "./command-options.js";
import { type Fold, parseFold } from "./fold.js";
import type { LiteralDecision } from "./literal-decision.js";
import { checkCommandStream } from "./load-state.js";
import { checkCache } from "./state-cache.js";
import { runCommand, type StreamCommand } from "./stream-command.js";

/** What a command makes of a state: an event, or a list of events, `[]` for none. */
export type Decision<E extends EventShape> = CandidateEvent<E> | readonly CandidateEvent<E>[];

/** What became of a command. */
export interface Handled<S, E extends EventShape> extends WriteResult {
  /** The state with the events in it. */
  readonly state: S;
  /**
   * The events, with the metadata and the keys that the options gave them; of a command that was stored before, what is stored,
   * and none where its first event was pruned since.
   */
  readonly events: readonly CandidateEvent<E>[];
}

/**
 * Handles a command: loads the state of a stream, lets `decide` make events of it, and writes them if the stream is still at
 * the version that was decided on. After a conflict it reads what is new, and decides again. So `decide` may run several times:
 * keep effects out of it.
 *
 * A decision without events writes nothing. `written` is 0 then, and version and position are those of the stream.
 *
 * With a `commandId` it may be sent again when its answer was lost. Without one, a second call is a second command.
 *
 * A fold with `snapshot` has a snapshot saved by the command that crosses a multiple of `every`. Nothing waits for it but the
 * disposal of the store. A failure to save it is reported by `diagnostics_channel` `async-streams:commands`.
 *
 * @throws whatever `decide` throws; nothing is written.
 * @throws ConcurrencyError the last conflict, when `attempts` are used up.
 * @throws IdempotencyConflictError when another command, or this one with other events, used the `commandId` at the same time.
 * @throws StreamDeletedError when the stream is deleted.
 * @throws InvalidArgumentError when the fold, the decision or an option is invalid; InvalidEventError when an event is.
 * @throws StorageError, StreamClosedError as `Stream.write`, and whatever `loadState` throws.
 *
 * @example
 * ```ts
 * const { state } = await handle(
 *   streams,
 *   account,
 *   "account-42",
 *   ({ balance }) => (balance < 30 ? [] : { type: "Withdrawn", data: { amount: 30 } }),
 *   { commandId: request.headers["idempotency-key"] },
 * );
 * ```
 */
export function handle<S, E extends EventShape, const D extends Decision<E> | LiteralDecision<E>>(
  streams: StreamFactory,
  fold: Fold<S, E>,
  streamId: string,
  decide: (state: S) => D | Promise<D>,
  options: HandleOptions = {},
): Promise<Handled<S, E>> {
  let command: StreamCommand<S>;
  try {
    checkStore(streams);
    const parsed = parseFold(fold);
    checkCommandStream(streamId);
    checkDecide(decide);
    const plan = parseHandleOptions(options);
    command = { streams, fold: parsed, streamId, cache: checkCache(options.cache), plan, decide };
  } catch (error) {
    return Promise.reject(inCall(error, `handle a command on ${streamText(streamId)}`, undefined));
  }
  return runCommand(command) as Promise<Handled<S, E>>;
}

/** @throws InvalidArgumentError */
export function checkDecide(decide: unknown): void {
  if (decide === undefined) throw invalidArgument("decide", `expected a function, got ${describeValue(decide)}`);
  checkFunction("decide", decide);
}
