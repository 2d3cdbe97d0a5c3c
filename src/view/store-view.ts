import type { StreamFactory } from "../../protocols/index.js";
import { streamContextOf } from "../stream/context-access.js";
import { factoryOver } from "../stream/create-stream-factory.js";
import { composeHooks, type EventHooks } from "./event-hooks.js";

/**
 * The same store with hooks between its factory and its storage: how a decorator wraps a store. It has the calls that the
 * store has, those of other decorators included, and its disposal is the store's own. Views may be stacked.
 *
 * @throws InvalidArgumentError when it is no store
 *
 * @example
 * ```ts
 * const audited = viewOf(streams, { afterRead: (events) => ({ events: events.filter(isPublic) }) });
 * ```
 */
export function viewOf<F extends StreamFactory>(streams: F, hooks: EventHooks): F {
  const context = streamContextOf(streams);
  const view = factoryOver({ ...context, hooks: composeHooks(hooks, context.hooks) });
  Object.assign(view, { [Symbol.asyncDispose]: () => streams[Symbol.asyncDispose]() });
  addOtherCalls(view, streams);
  return view as F;
}

/** Has the calls that only the store has, such as those of a decorator below, made on the store. */
function addOtherCalls(view: StreamFactory, streams: object): void {
  for (let owner = streams; owner !== Object.prototype && owner !== null; owner = Object.getPrototypeOf(owner)) {
    for (const key of Reflect.ownKeys(owner)) {
      if (key in view) continue;
      const value: unknown = Reflect.get(streams, key);
      if (typeof value !== "function") continue;
      Object.defineProperty(view, key, { value: value.bind(streams), enumerable: true, configurable: true });
    }
  }
}
