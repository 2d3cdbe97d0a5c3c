import { ALL_STREAM, type NotificationListener, type Notifier, type StoredEvent } from "../../protocols/index.js";
import { overriding } from "./overriding.js";

/** A fault of a notifier, and where the suite must find it. */
interface BrokenNotifier {
  readonly fault: string;
  readonly group: string;
  readonly found: string;
  readonly breakNotifier: (notifier: Notifier) => Notifier;
}

/** Changes the listeners that subscribe. */
function withListeners(
  notifier: Notifier,
  rewrite: (listener: NotificationListener) => NotificationListener,
): Notifier {
  return overriding(notifier, { subscribe: (streamId, listener) => notifier.subscribe(streamId, rewrite(listener)) });
}

const IN_ORDER = "is notified of the events of its stream, in order, without gaps and without repeats";

export const BROKEN_NOTIFIERS: readonly BrokenNotifier[] = [
  {
    fault: "tells everything twice",
    group: "a subscriber",
    found: IN_ORDER,
    breakNotifier: (notifier) =>
      withListeners(notifier, (listener) => (batch) => {
        listener(batch);
        listener(batch);
      }),
  },
  {
    fault: "loses every third batch",
    group: "a subscriber",
    found: IN_ORDER,
    breakNotifier: (notifier) =>
      withListeners(notifier, (listener) => {
        let batches = 0;
        return (batch) => {
          batches += 1;
          if (batches % 3 !== 0) listener(batch);
        };
      }),
  },
  {
    fault: "loses the first batch of each subscriber",
    group: "a subscriber that comes while others write",
    found: "misses nothing of its stream, and is notified of nothing twice",
    breakNotifier: (notifier) =>
      withListeners(notifier, (listener) => {
        let isFirst = true;
        return (batch) => {
          if (!isFirst) listener(batch);
          isFirst = false;
        };
      }),
  },
  {
    fault: "turns batches around",
    group: "a subscriber",
    found: IN_ORDER,
    breakNotifier: (notifier) => withListeners(notifier, (listener) => (batch) => listener([...batch].reverse())),
  },
  {
    fault: "tells of every stream",
    group: "a subscriber",
    found: IN_ORDER,
    breakNotifier: (notifier) =>
      overriding(notifier, { subscribe: (_, listener) => notifier.subscribe(ALL_STREAM, listener) }),
  },
  {
    fault: "tells of what was stored before the subscription",
    group: "a subscriber",
    found: "is not notified of events that were stored before it subscribed",
    breakNotifier: (notifier) => {
      const heard: StoredEvent[] = [];
      notifier.subscribe(ALL_STREAM, (batch) => heard.push(...batch));
      return overriding(notifier, {
        subscribe: (streamId, listener) => {
          if (heard.length > 0) listener([...heard]);
          return notifier.subscribe(streamId, listener);
        },
      });
    },
  },
  {
    fault: "tells nothing of the events of a large append, not even that there are some",
    group: "a subscriber",
    found: "knows of thousands of events that come at once",
    breakNotifier: (notifier) =>
      withListeners(notifier, (listener) => (batch) => {
        if (batch.length > 0) listener(batch);
      }),
  },
  {
    fault: "hands the same events to every subscriber",
    group: "several subscribers",
    found: "get events of their own, which they may change",
    breakNotifier: (notifier) => {
      const listeners = new Set<NotificationListener>();
      notifier.subscribe(ALL_STREAM, (batch) => {
        for (const listener of listeners) listener(batch);
      });
      return overriding(notifier, {
        subscribe: (_, listener) => {
          listeners.add(listener);
          return { unsubscribe: () => listeners.delete(listener) };
        },
      });
    },
  },
  {
    fault: "stops at a listener that throws",
    group: "several subscribers",
    found: "are not harmed by one that throws, nor is the write",
    breakNotifier: (notifier) => {
      let hasThrown = false;
      return withListeners(notifier, (listener) => (batch) => {
        if (hasThrown) return;
        try {
          listener(batch);
        } catch {
          hasThrown = true;
        }
      });
    },
  },
  {
    fault: "forgets to unsubscribe",
    group: "unsubscribe",
    found: "ends the calls of a subscriber to a, and of no other",
    breakNotifier: (notifier) =>
      overriding(notifier, {
        subscribe: (streamId, listener) => {
          notifier.subscribe(streamId, listener);
          return { unsubscribe: () => undefined };
        },
      }),
  },
  {
    fault: "unsubscribes a little later",
    group: "unsubscribe",
    found: "holds at once, also for a batch that is being handed out",
    breakNotifier: (notifier) =>
      overriding(notifier, {
        subscribe: (streamId, listener) => {
          const subscription = notifier.subscribe(streamId, listener);
          return { unsubscribe: () => void setImmediate(() => subscription.unsubscribe()) };
        },
      }),
  },
  {
    fault: "goes on after it has been disposed of",
    group: "the notifier",
    found: "ends all subscriptions when it is disposed of, and the storage goes on",
    breakNotifier: (notifier) => overriding(notifier, { [Symbol.asyncDispose]: async () => undefined }),
  },
];
