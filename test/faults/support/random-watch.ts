import type { EventFilter, StoredEvent, Stream } from "../../../protocols/index.js";
import type { Laboratory } from "./fault-test.js";

/** A watch that was begun at some moment, and what it has delivered. */
export interface RandomWatch {
  readonly stream: Stream;
  readonly after: number;
  readonly filter: EventFilter;
  readonly seen: readonly StoredEvent[];
  /** After how many events it ends itself; undefined when it goes on. */
  readonly leavesAfter: number | undefined;
  readonly ended: Promise<void>;
}

const FILTERS: readonly EventFilter[] = [
  [],
  [],
  [{ field: "type", op: "=", value: "Odd" }],
  [{ field: "data.writer", op: "in", value: [0, 2] }],
];

/** Begins a watch of a random place, filter and form, which may end itself after some events. */
export function beginWatch({ integer, random }: Laboratory, stream: Stream): RandomWatch {
  const isFromHere = random() < 0.3;
  const after = isFromHere ? stream.version : integer(0, stream.version);
  const filter = FILTERS[integer(0, FILTERS.length - 1)] as EventFilter;
  const leavesAfter = random() < 0.3 ? integer(1, 30) : undefined;
  const seen: StoredEvent[] = [];
  const watch = stream.watch({ after: isFromHere ? undefined : after, filter });
  const take = (event: StoredEvent): boolean => seen.push(event) === leavesAfter;
  const ended = random() < 0.5 ? iterate(watch, take) : subscribe(watch, take);
  return { stream, after, filter, seen, leavesAfter, ended };
}

async function iterate(watch: AsyncIterable<StoredEvent>, isLast: (event: StoredEvent) => boolean): Promise<void> {
  for await (const event of watch) if (isLast(event)) return;
}

function subscribe(watch: ReturnType<Stream["watch"]>, isLast: (event: StoredEvent) => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    const subscription = watch.subscribe({
      next: (event) => {
        if (!isLast(event)) return;
        subscription.unsubscribe();
        resolve();
      },
      complete: resolve,
      error: reject,
    });
  });
}
