import { DELETED_EVENT_TYPE, type StoredEvent, type Stream, StreamDeletedError } from "../../protocols/index.js";
import { readAndObserve } from "../stream/read-and-observe.js";
import { inStore } from "../validate/in-call.js";
import type { ParsedFold } from "./fold.js";

/** The state of a stream, and which of its events it was folded from. */
export interface FoldedState<S> {
  readonly state: S;
  /** Up to where it has the stream. */
  readonly version: number;
  /** The last event that was read, where it is known: a stream that has another one at its place is another stream. */
  readonly last?: SeenEvent | undefined;
}

/** What tells an event from any other. */
export type SeenEvent = Pick<StoredEvent, "id" | "version" | "position">;

/** How a stream is folded. */
export interface FoldTailOptions {
  /** The last version that counts. Default: the stream's. */
  readonly upTo?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** The name of the store in messages. */
  readonly location?: string | undefined;
}

/** The state before the first event. */
export function emptyState<S>(fold: ParsedFold<S>): FoldedState<S> {
  return { state: fold.initial(), version: 0 };
}

/**
 * Folds what a stream has after a state. Null: the state is of another stream, since its last event is not there any more.
 *
 * @throws StreamDeletedError when the stream is deleted, EventsRemovedError when events after the state were removed.
 */
export async function foldTail<S>(
  stream: Stream,
  fold: ParsedFold<S>,
  from: FoldedState<S> & { readonly last?: never },
  options: FoldTailOptions,
): Promise<FoldedState<S>>;
export async function foldTail<S>(
  stream: Stream,
  fold: ParsedFold<S>,
  from: FoldedState<S>,
  options: FoldTailOptions,
): Promise<FoldedState<S> | null>;
export async function foldTail<S>(
  stream: Stream,
  fold: ParsedFold<S>,
  from: FoldedState<S>,
  { upTo, signal, location }: FoldTailOptions,
): Promise<FoldedState<S> | null> {
  // A reader of some types does not get the others. What the handle has seen is there, and what the read has passed.
  let seen = Math.min(stream.version, upTo ?? stream.version);
  const onEnd = (end: number): void => {
    seen = Math.max(seen, end);
  };
  const known = from.last;
  const after = known === undefined ? from.version : known.version - 1;
  let { state, version } = from;
  let last: SeenEvent | undefined = known;
  let isKnown = known === undefined;
  for await (const event of readAndObserve(stream, { after, upTo, signal }, { onEnd })) {
    if (!isKnown) {
      if (!isSame(event, known as SeenEvent)) return null;
      isKnown = true;
      continue;
    }
    state = evolved(fold, state, event, location);
    version = event.version;
    last = event;
  }
  if (!isKnown) return null;
  return { state, version: Math.max(version, seen), last: last && placeOf(last) };
}

/** Folds events that come right after a state. */
export function foldEvents<S>(
  fold: ParsedFold<S>,
  from: FoldedState<S>,
  events: readonly StoredEvent[],
): FoldedState<S> {
  return events.reduce<FoldedState<S>>(({ state }, event) => {
    return { state: evolved(fold, state, event), version: event.version, last: placeOf(event) };
  }, from);
}

/**
 * The state after one more event. Events of the library itself are no history of the application.
 *
 * @throws StreamDeletedError for the tombstone of a deleted stream.
 */
export function evolved<S>(fold: ParsedFold<S>, state: S, event: StoredEvent, location?: string): S {
  if (event.type === DELETED_EVENT_TYPE) throw streamIsDeleted(event.streamId, location);
  return event.type.startsWith("@") ? state : fold.evolve(state, event);
}

/** What is kept of an event. */
export function placeOf({ id, version, position }: SeenEvent): SeenEvent {
  return { id, version, position };
}

function isSame(event: SeenEvent, known: SeenEvent): boolean {
  return event.version === known.version && event.position === known.position && event.id === known.id;
}

export function streamIsDeleted(streamId: string, location: string | undefined): StreamDeletedError {
  const message =
    `Cannot load the state of stream "${streamId}"${inStore(location)}: the stream was deleted, and has no state any more. Use ` +
    "another id.";
  return new StreamDeletedError(streamId, message);
}
