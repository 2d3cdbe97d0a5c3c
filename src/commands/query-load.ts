import {
  ALL_STREAM,
  type EventFilter,
  type StoredEvent,
  type Stream,
  type StreamFactory,
} from "../../protocols/index.js";
import type { ParsedFold } from "./fold.js";

/** What a query is folded from. */
export interface QueryLoad<S> {
  readonly streams: StreamFactory;
  readonly fold: Pick<ParsedFold<S>, "initial" | "evolve">;
  /** Alternatives: an event that one of them matches counts. */
  readonly filters: readonly EventFilter[];
  readonly signal: AbortSignal | undefined;
  /** Called with each event that is found. */
  readonly onEvent?: ((event: StoredEvent) => void) | undefined;
}

/** The state of what a query finds, up to a position of the store. */
export interface QueryState<S> {
  readonly state: S;
  readonly position: number;
}

/** Folds what a query finds, each event once, in order. */
export async function loadQueryState<S>({
  streams,
  fold,
  filters,
  signal,
  onEvent,
}: QueryLoad<S>): Promise<QueryState<S>> {
  signal?.throwIfAborted();
  await using all = await streams.openStream(ALL_STREAM);
  const position = all.version;
  let state = fold.initial();
  for await (const event of matching(all, filters, { upTo: position, signal })) {
    onEvent?.(event);
    if (!event.type.startsWith("@")) state = fold.evolve(state, event);
  }
  return { state, position };
}

interface Extent {
  readonly upTo: number;
  readonly signal: AbortSignal | undefined;
}

/** The events that one of the filters matches, in order: each filter is a read of its own, and they are merged. */
async function* matching(
  all: Stream,
  filters: readonly EventFilter[],
  extent: Extent,
): AsyncGenerator<StoredEvent, void> {
  const reads = filters.map((filter) => all.read({ ...extent, filter })[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(reads.map((read) => next(read)));
    for (;;) {
      const first = heads.reduce((least, event) => (before(event, least) ? event : least), undefined);
      if (first === undefined) return;
      yield first;
      for (const [index, event] of heads.entries()) {
        if (event?.position === first.position) heads[index] = await next(reads[index] as AsyncIterator<StoredEvent>);
      }
    }
  } finally {
    await Promise.all(reads.map((read) => read.return?.()));
  }
}

async function next(read: AsyncIterator<StoredEvent>): Promise<StoredEvent | undefined> {
  const { done, value } = await read.next();
  return done ? undefined : value;
}

function before(event: StoredEvent | undefined, other: StoredEvent | undefined): boolean {
  return event !== undefined && (other === undefined || event.position < other.position);
}
