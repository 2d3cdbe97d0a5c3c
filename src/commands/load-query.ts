import type { EventFilter, EventShape, StreamFactory } from "../../protocols/index.js";
import { parseCondition } from "../transaction/conditions.js";
import { checkOptions, checkSignal, type OptionNames } from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { checkStore } from "./check-store.js";
import { type Fold, parseFold, type QueryFold } from "./fold.js";
import { loadQueryState } from "./query-load.js";

/** A state, and the position of the store that it is true at. */
export interface LoadedQuery<S> {
  /** The state. */
  readonly state: S;
  /** Give it to a condition as `after`. */
  readonly position: number;
}

/** The options of {@link loadQuery}. */
export interface LoadQueryOptions {
  /** Ends the load: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

const OPTIONS: OptionNames<LoadQueryOptions> = { signal: true };

/**
 * Folds the events that a query finds in the whole store, in order, up to the position that the store has at the call. A write
 * with the condition `{ failIfEventsMatch: filters, after: position }` then holds only if the query would still find the same.
 *
 * There are no snapshots of queries. Limit what it reads with clauses that an index serves, or on `streamId` or `timestamp`.
 *
 * @param filters - one filter, or several that are alternatives; the limits are those of a condition.
 * @throws InvalidArgumentError, InvalidFilterError when an argument is invalid.
 * @throws StreamClosedError, StorageError as `Stream.read`, and whatever `evolve` throws.
 *
 * @example
 * ```ts
 * const course = [{ field: "data.courseId", op: "=", value: "c-1" }] as const;
 * const { state, position } = await loadQuery(streams, seats, course);
 * if (state.free > 0) {
 *   const conditions = { failIfEventsMatch: course, after: position };
 *   await streams.writeAll([{ streamId: "student-7", events: subscribed }], { conditions });
 * }
 * ```
 */
export async function loadQuery<S, E extends EventShape>(
  streams: StreamFactory,
  fold: QueryFold<S, E> | Fold<S, E>,
  filters: EventFilter | readonly EventFilter[],
  options: LoadQueryOptions = {},
): Promise<LoadedQuery<S>> {
  const query = inAttempt("load the state of a query", undefined, () => {
    checkStore(streams);
    const query = { streams, fold: parseFold(fold), filters: alternativesOf(filters) };
    checkOptions(options, OPTIONS);
    checkSignal(options.signal);
    return { ...query, signal: options.signal };
  });
  return loadQueryState(query);
}

/**
 * One filter is a list of clauses, and several are a list of such lists.
 *
 * @throws InvalidArgumentError, InvalidFilterError
 */
export function alternativesOf(filters: EventFilter | readonly EventFilter[]): readonly EventFilter[] {
  parseCondition({ failIfEventsMatch: filters }, undefined, "filters");
  const isList = filters.length > 0 && filters.every((item) => Array.isArray(item));
  return isList ? (filters as readonly EventFilter[]) : [filters as EventFilter];
}
