import type { Notifier, StorageHandle, StoredEvent, StreamBackend } from "../../../protocols/index.js";
import { overriding } from "../../support/overriding.js";
import type { Laboratory } from "./fault-test.js";
import { turns } from "./turns.js";

const MAX_DELAY_TURNS = 6;

/**
 * A backend whose answers and notifications come late, by a number of turns that the seed chooses. It keeps to the
 * protocols: batches stay in order, and some are replaced by the empty one, which says that there may be more.
 */
export function delayedBackend(backend: StreamBackend, laboratory: Laboratory): StreamBackend {
  return {
    storage: delayedStorage(backend.storage, laboratory),
    notifier: delayedNotifier(backend.notifier, laboratory),
  };
}

function delayedStorage(storage: StorageHandle, { integer }: Laboratory): StorageHandle {
  const delay = (): Promise<void> => turns(integer(0, MAX_DELAY_TURNS));
  return overriding(storage, {
    readPage: async (query) => {
      await delay();
      // Small pages, so that a replay takes several.
      const page = await storage.readPage({ ...query, limit: Math.min(query.limit, integer(1, 8)) });
      await delay();
      return page;
    },
    append: async (request) => {
      const result = await storage.append(request);
      await delay();
      return result;
    },
  });
}

function delayedNotifier(notifier: Notifier, { integer, random }: Laboratory): Notifier {
  return overriding(notifier, {
    start: async () => {
      await turns(integer(0, MAX_DELAY_TURNS));
      await notifier.start();
    },
    subscribe: (streamId, listener) => {
      const waiting: (readonly StoredEvent[])[] = [];
      let isEnded = false;
      const deliver = async (): Promise<void> => {
        for (let batch = waiting[0]; batch !== undefined; batch = waiting[0]) {
          await turns(integer(0, MAX_DELAY_TURNS));
          waiting.shift();
          if (!isEnded) listener(random() < 0.1 ? [] : batch);
        }
      };
      const subscription = notifier.subscribe(streamId, (batch) => {
        if (waiting.push(batch) === 1) void deliver();
      });
      return {
        unsubscribe: () => {
          isEnded = true;
          subscription.unsubscribe();
        },
      };
    },
  });
}
