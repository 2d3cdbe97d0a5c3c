import type { EncodedState, NewEvent, ParsedClause, Snapshot, StoredEvent } from "../../protocols/index.js";
import type { EventPlace } from "../write/encode-events.js";

/** A value, or a promise of it where it has to be waited for. */
export type Awaitable<T> = T | Promise<T>;

/**
 * What a decorator does with the events between a factory and its storage. Each hook is optional, and a store without hooks
 * pays nothing for them.
 *
 * Storage keeps what `beforeAppend` returned. Filters and conditions are matched with that, and archives, copies and
 * backups have it. Only those who read events through a factory get what `afterRead` makes of them: reads, watches,
 * transactions, consumers and projections.
 */
export interface EventHooks {
  /**
   * Replaces a candidate event at the call of the write, before it becomes text. Called for each event in order. The
   * candidate may be anything: what is no event is refused afterwards, so return it as it is.
   *
   * @throws InvalidEventError, with `invalidEvent(place, path, reason)`. Nothing is written.
   */
  readonly beforeEncode?: ((candidate: unknown, place: EventPlace) => unknown) | undefined;

  /**
   * Replaces the events of a write to one stream before they are appended. A promise holds back the later writes of the
   * same handle. In a transaction it is waited for until the transaction's time is up.
   *
   * @throws whatever the write is to reject with. Nothing is written.
   */
  readonly beforeAppend?:
    | ((streamId: string, events: readonly NewEvent[]) => Awaitable<readonly NewEvent[]>)
    | undefined;

  /** Makes what readers get of some stored events that match their filter. The events belong to the hook. */
  readonly afterRead?: ((events: readonly StoredEvent[]) => Awaitable<ReadResult>) | undefined;

  /** Grows when `afterRead` makes something else of the same events: what was kept of them is not used any more. */
  readonly generation?: (() => number) | undefined;

  /** Grows with that, and from time to time: events that were read before, and wait for their reader, are read again then. */
  readonly heldGeneration?: (() => number) | undefined;

  /**
   * Called with the filter of a read, a watch, a condition, a consumer or a projection before it is used.
   *
   * @throws InvalidFilterError when it asks for what storage does not have.
   */
  readonly checkFilter?: ((clauses: readonly ParsedClause[]) => void) | undefined;

  /** Replaces a snapshot before it is saved. @throws whatever the save is to reject with */
  readonly beforeSaveSnapshot?: ((snapshot: Snapshot<EncodedState>) => Awaitable<Snapshot<EncodedState>>) | undefined;

  /** Makes what the caller gets of a saved snapshot; null: there is none. */
  readonly afterLoadSnapshot?:
    | ((snapshot: Snapshot<EncodedState>) => Awaitable<Snapshot<EncodedState> | null>)
    | undefined;
}

/** What readers get of some stored events. */
export interface ReadResult {
  /** In their order. It may have fewer. */
  readonly events: readonly StoredEvent[];
  /** Why it ends before the last event: readers get `error` once they have had `events`. */
  readonly failure?: ReadFailure | undefined;
}

/** What a reader gets in place of an event. */
export interface ReadFailure {
  readonly error: unknown;
  /** Whether it may pass by itself: a watch does not end then, but waits and reads the events again. */
  readonly mayPass?: boolean | undefined;
}

/** Changes when what was read is read again before its reader gets it: see `EventHooks.heldGeneration`. */
export function heldGenerationOf(hooks: EventHooks | undefined): number {
  return hooks?.heldGeneration?.() ?? 0;
}

/** Changes with each of two numbers that only grow. */
const sum = (first: () => number, then: () => number) => () => first() + then();

/** The hooks of a decorator and those of what it decorates: outer ones first when writing, inner ones first when reading. */
export function composeHooks(outer: EventHooks, inner: EventHooks | undefined): EventHooks {
  if (inner === undefined) return outer;
  return {
    beforeEncode: both(outer.beforeEncode, inner.beforeEncode, (first, then) => (candidate, place) => {
      return then(first(candidate, place), place);
    }),
    beforeAppend: both(outer.beforeAppend, inner.beforeAppend, (first, then) => (streamId, events) => {
      return andThen(first(streamId, events), (changed) => then(streamId, changed));
    }),
    afterRead: both(inner.afterRead, outer.afterRead, (first, then) => (events) => {
      return andThen(first(events), ({ events: read, failure }) =>
        // What fails first for a reader is what comes first.
        andThen(then(read), (result) => (result.failure === undefined ? { ...result, failure } : result)),
      );
    }),
    generation: both(outer.generation, inner.generation, sum),
    heldGeneration: both(outer.heldGeneration, inner.heldGeneration, sum),
    checkFilter: both(outer.checkFilter, inner.checkFilter, (first, then) => (clauses) => {
      first(clauses);
      then(clauses);
    }),
    beforeSaveSnapshot: both(outer.beforeSaveSnapshot, inner.beforeSaveSnapshot, (first, then) => (snapshot) => {
      return andThen(first(snapshot), then);
    }),
    afterLoadSnapshot: both(inner.afterLoadSnapshot, outer.afterLoadSnapshot, (first, then) => (snapshot) => {
      return andThen(first(snapshot), (loaded) => (loaded === null ? null : then(loaded)));
    }),
  };
}

function both<Hook>(a: Hook | undefined, b: Hook | undefined, compose: (a: Hook, b: Hook) => Hook): Hook | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return compose(a, b);
}

/** Goes on at once where there is nothing to wait for. */
export function andThen<A, B>(value: Awaitable<A>, next: (value: A) => Awaitable<B>): Awaitable<B> {
  return value instanceof Promise ? value.then(next) : next(value);
}
