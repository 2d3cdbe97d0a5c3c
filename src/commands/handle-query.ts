import {
  type EventFilter,
  type EventShape,
  StorageError,
  type StreamWrite,
  type TransactionalStreamFactory,
} from "../../protocols/index.js";
import { inAttempt } from "../validate/in-call.js";
import { checkStore } from "./check-store.js";
import { type HandleQueryOptions, parseHandleQueryOptions } from "./command-options.js";
import { type Fold, parseFold, type QueryFold } from "./fold.js";
import { checkDecide } from "./handle.js";
import type { LiteralWrite } from "./literal-decision.js";
import { alternativesOf } from "./load-query.js";
import { type HandledQuery, QUERY_ATTEMPT, runQueryCommand } from "./query-command.js";

/**
 * Handles a command on what a query finds (a dynamic consistency boundary): folds it, lets `decide` make writes of the state, and
 * stores them if the query would still find the same. Otherwise it begins anew, so `decide` may run several times.
 *
 * With a `commandId` the events of all writes get the keys `<commandId>/0`, `<commandId>/1` and so on. A command of which the
 * query finds an event is not decided again, so let the filters match what it stores.
 *
 * @param filters - one filter, or several that are alternatives; the limits are those of a condition.
 * @param decide - the writes, `[]` for none.
 * @throws whatever `decide` throws; nothing is written.
 * @throws ConditionError, ConcurrencyError the last conflict, when `attempts` are used up.
 * @throws IdempotencyConflictError when another command, or this one with other events, has used the `commandId`.
 * @throws StorageError `STORAGE_UNSUPPORTED` when the store has no `writeAll`.
 * @throws InvalidArgumentError, InvalidFilterError, InvalidEventError when an argument, the decision or an event is invalid.
 *
 * @example
 * ```ts
 * const filters = [{ field: "data.courseId", op: "=", value: "c-1" }] as const;
 * await handleQuery(streams, seats, filters, ({ free }) =>
 *   free === 0 ? [] : [{ streamId: "student-7", events: { type: "Subscribed", data: { courseId: "c-1" } } }],
 * );
 * ```
 */
export async function handleQuery<
  S,
  E extends EventShape,
  const W extends readonly StreamWrite<E>[] | readonly LiteralWrite<E>[],
>(
  streams: TransactionalStreamFactory,
  fold: QueryFold<S, E> | Fold<S, E>,
  filters: EventFilter | readonly EventFilter[],
  decide: (state: S) => W | Promise<W>,
  options: HandleQueryOptions = {},
): Promise<HandledQuery<S>> {
  const command = inAttempt(QUERY_ATTEMPT, undefined, () => {
    checkStore(streams);
    const query = { streams, fold: parseFold(fold), filters: alternativesOf(filters) };
    checkDecide(decide);
    return { ...query, plan: parseHandleQueryOptions(options), decide };
  });
  if (!("writeAll" in streams)) {
    const message = `Cannot ${QUERY_ATTEMPT}: this store writes to one stream at a time. Use one that has writeAll.`;
    throw new StorageError("STORAGE_UNSUPPORTED", message);
  }
  return runQueryCommand(command);
}
