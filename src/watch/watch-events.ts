import { Observable, type Subscriber } from "rxjs";
import type { StoredEvent, Watch, WatchOptions } from "../../protocols/index.js";
import { parseFilter } from "../filter/parse-filter.js";
import { checkOptions, checkPlace, checkSignal, type OptionNames } from "../validate/check-arguments.js";
import type { EventHooks } from "../view/event-hooks.js";
import { WatchCursor, type WatchSource } from "./watch-cursor.js";
import { WatchIterator } from "./watch-iterator.js";

/** The context of a watch besides its options. */
export interface WatchContext
  extends Pick<WatchSource, "storage" | "notifier" | "streamId" | "lifetime" | "memory" | "hooks"> {
  /** Called with each event just before the consumer gets it. */
  readonly onEvent: (event: StoredEvent) => void;
}

const WATCH_OPTIONS: OptionNames<WatchOptions> = { after: true, filter: true, signal: true };

type WatchPlan = Pick<WatchSource, "after" | "isAfterGiven" | "filter" | "signal">;

/**
 * @throws InvalidArgumentError
 * @throws InvalidFilterError
 */
export function parseWatchOptions(options: WatchOptions = {}, defaultAfter: number, hooks?: EventHooks): WatchPlan {
  checkOptions(options, WATCH_OPTIONS);
  const { after, filter, signal } = options;
  checkPlace("after", after);
  checkSignal(signal);
  return {
    after: after ?? defaultAfter,
    isAfterGiven: after !== undefined,
    filter: filter === undefined ? [] : parseFilter(filter, hooks),
    signal,
  };
}

/** Makes a cold watch: nothing happens before somebody subscribes or iterates, and then `plan` says what to watch. */
export function watchEvents(context: WatchContext, plan: () => WatchPlan): Watch {
  return new EventWatch(context, plan);
}

class EventWatch extends Observable<StoredEvent> implements AsyncIterable<StoredEvent> {
  readonly #context: WatchContext;
  readonly #plan: () => WatchPlan;

  constructor(context: WatchContext, plan: () => WatchPlan) {
    super((subscriber) => {
      // Whoever has disposed of the handle finds its watches complete.
      const cursor = openCursor(context, plan, () => subscriber.complete());
      subscriber.add(() => cursor.close());
      void deliver(cursor, subscriber, context.onEvent);
    });
    this.#context = context;
    this.#plan = plan;
  }

  [Symbol.asyncIterator](): AsyncIterator<StoredEvent, undefined> {
    return new WatchIterator(() => openCursor(this.#context, this.#plan), this.#context.onEvent);
  }
}

function openCursor(context: WatchContext, plan: () => WatchPlan, onClose?: () => void): WatchCursor {
  context.lifetime.assertOpen(`watch stream "${context.streamId}"`);
  return new WatchCursor({ ...context, ...plan() }, onClose);
}

async function deliver(
  cursor: WatchCursor,
  subscriber: Subscriber<StoredEvent>,
  onEvent: (event: StoredEvent) => void,
): Promise<void> {
  try {
    while (await cursor.fill()) {
      for (let event = cursor.next(); event !== undefined; event = cursor.next()) {
        onEvent(event);
        subscriber.next(event);
      }
    }
  } catch (error) {
    subscriber.error(error);
  }
}
