import type { AppendRequest } from "../../protocols/index.js";
import { checkLimits, type LimitedStorage } from "../write/check-limits.js";
import { type Awaitable, andThen, type EventHooks } from "./event-hooks.js";

/** The request as the hooks want it to be stored. */
export function hookedRequest<Request extends AppendRequest>(
  hooks: EventHooks | undefined,
  request: Request,
  storage: LimitedStorage,
): Awaitable<Request> {
  if (hooks?.beforeAppend === undefined || request.events.length === 0) return request;
  return andThen(hooks.beforeAppend(request.streamId, request.events), (events) => {
    const hooked = { ...request, events };
    checkLimits(hooked, storage);
    return hooked;
  });
}

/** Keeps the order of a handle's writes while hooks take their time. */
export class OrderedAppends {
  #last: Promise<void> | undefined;

  /** The request once those before it are ready or have failed. A request that nothing holds back is returned at once. */
  inOrder(request: Awaitable<AppendRequest>): Awaitable<AppendRequest> {
    const before = this.#last;
    if (before === undefined && !(request instanceof Promise)) return request;
    const ready = before === undefined ? Promise.resolve(request) : after(before, request);
    const last = ready.then(ignore, ignore).then(() => {
      if (this.#last === last) this.#last = undefined;
    });
    this.#last = last;
    return ready;
  }
}

async function after(before: Promise<void>, request: Awaitable<AppendRequest>): Promise<AppendRequest> {
  // It may fail while the others are waited for.
  if (request instanceof Promise) request.catch(ignore);
  await before;
  return request;
}

const ignore = (): void => undefined;
