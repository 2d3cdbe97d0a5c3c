import type { NewEvent, StorageHandle } from "../../protocols/index.js";
import type { BrokenStorage } from "./broken-storage.js";
import { overriding } from "./overriding.js";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Changes the events that a storage handle is given. */
function withNewEvents(storage: StorageHandle, rewrite: (events: readonly NewEvent[]) => NewEvent[]): StorageHandle {
  return overriding(storage, { append: (request) => storage.append({ ...request, events: rewrite(request.events) }) });
}

export const BROKEN_APPENDS: readonly BrokenStorage[] = [
  {
    fault: "says wrong places of what it has stored",
    group: "append",
    found: "says of the events that it has placed, if it does, what a read says",
    breakStorage: (storage) =>
      overriding(storage, {
        append: (request) => {
          const onPlaced: typeof request.onPlaced = (events) =>
            request.onPlaced?.(events.map((event) => ({ ...event, position: event.position + 1 })));
          return storage.append({ ...request, onPlaced });
        },
      }),
  },
  {
    fault: "forgets idempotency keys",
    group: "idempotency keys",
    found: "make a retry succeed with its original expected version after the stream has grown",
    breakStorage: (storage) =>
      withNewEvents(storage, (events) => events.map((event) => ({ ...event, idempotencyKey: null }))),
  },
  {
    fault: "stores a key that occurs twice in one append twice",
    group: "idempotency keys",
    found: "that occur twice in one append store the event once",
    breakStorage: (storage) => {
      const isRepeated = (events: readonly NewEvent[], index: number): boolean =>
        events.findIndex(({ id }) => id === events[index]?.id) < index;
      return withNewEvents(storage, (events) =>
        events.map((event, index) => (isRepeated(events, index) ? { ...event, idempotencyKey: null } : event)),
      );
    },
  },
  {
    fault: "keeps keys for the whole store instead of for a stream",
    group: "idempotency keys",
    found: "belong to their stream",
    breakStorage: (storage) =>
      overriding(storage, { append: (request) => storage.append({ ...request, streamId: "a" }) }),
  },
  {
    fault: "answers a retry with the stream's place instead of the event's",
    group: "idempotency keys",
    found: "make a retry succeed with its original expected version after the stream has grown",
    breakStorage: (storage) =>
      overriding(storage, {
        append: async (request) => ({
          ...(await storage.append(request)),
          version: await storage.getVersion(request.streamId),
        }),
      }),
  },
  {
    fault: "takes every stored key for a retry, whatever the event is",
    group: "an idempotency key that is stored already",
    found: "is a conflict when a value in data differs, and nothing is stored",
    breakStorage: (storage) =>
      withNewEvents(storage, (events) =>
        events.map((event) => (event.idempotencyKey === null ? event : { ...event, data: "0" })),
      ),
  },
  {
    fault: "compares the text of data, not its value",
    group: "an idempotency key that is stored already",
    found: "names the same event when the keys of objects stand in another order",
    breakStorage: (storage) =>
      withNewEvents(storage, (events) =>
        events.map((event) => ({ ...event, metadata: JSON.stringify({ text: String(event.data) }) })),
      ),
  },
  {
    fault: "ignores the expected version",
    group: "the expected version",
    found: "0 is a conflict at version 2, and nothing is stored",
    breakStorage: (storage) =>
      overriding(storage, { append: (request) => storage.append({ ...request, expectedVersion: "any" }) }),
  },
  {
    fault: "decides on the version before the transaction",
    group: "the expected version",
    found: "lets exactly one of 64 racing appends win",
    breakStorage: (storage) =>
      overriding(storage, {
        append: async (request) => {
          const isMet =
            typeof request.expectedVersion !== "number" ||
            (await storage.getVersion(request.streamId)) === request.expectedVersion;
          await turn();
          return storage.append(isMet ? { ...request, expectedVersion: "any" } : request);
        },
      }),
  },
  {
    fault: "appends event by event",
    group: "append",
    found: "stores none of the events when one of them is refused",
    breakStorage: (storage) =>
      overriding(storage, {
        append: async (request) => {
          let result = await storage.append({ ...request, events: [] });
          for (const event of request.events) result = await storage.append({ ...request, events: [event] });
          return { ...result, written: request.events.length };
        },
      }),
  },
  {
    fault: "shows an append before it is complete",
    group: "appends side by side",
    found: "are seen by a reader as a whole or not at all",
    breakStorage: (storage) =>
      overriding(storage, {
        append: async (request) => {
          const half = request.events.length >> 1;
          await storage.append({ ...request, events: request.events.slice(0, half) });
          await turn();
          const result = await storage.append({ ...request, events: request.events.slice(half) });
          return { ...result, written: request.events.length };
        },
      }),
  },
  {
    fault: "lets appends overtake each other",
    group: "appends side by side",
    found: "are stored in the order in which one caller issued them",
    breakStorage: (storage) => {
      let calls = 0;
      return overriding(storage, {
        append: async (request) => {
          calls += 1;
          if (calls % 3 === 0) await turn();
          return storage.append(request);
        },
      });
    },
  },
  {
    fault: "fails an append for its neighbour's conflict",
    group: "appends side by side",
    found: "do not suffer from a neighbour that conflicts",
    breakStorage: (storage) => {
      let latest: Promise<unknown> = Promise.resolve();
      return overriding(storage, {
        append: (request) => {
          const result = Promise.all([latest, storage.append(request)]).then(([, own]) => own);
          latest = result;
          return result;
        },
      });
    },
  },
  {
    fault: "ignores the signal",
    group: "the signal of an append",
    found: "that is aborted already rejects it with the reason, and nothing is stored",
    breakStorage: (storage) =>
      overriding(storage, { append: (request) => storage.append({ ...request, signal: undefined }) }),
  },
  {
    fault: "reports an append as aborted that is stored",
    group: "the signal of an append",
    found: "leaves two outcomes: rejected and not stored, or resolved and stored",
    breakStorage: (storage) =>
      overriding(storage, {
        append: async (request) => {
          const result = await storage.append(request);
          request.signal?.throwIfAborted();
          return result;
        },
      }),
  },
  {
    fault: "does not wait for appends when it is disposed of",
    group: "the storage handle",
    found: "finishes the appends that it has accepted before it is disposed of",
    breakStorage: (storage) =>
      overriding(storage, {
        append: async (request) => {
          await turn();
          return storage.append(request);
        },
      }),
  },
  {
    fault: "rejects a conflict with what only looks like an error of the library",
    group: "the expected version",
    found: "lets exactly one of 64 racing appends win",
    breakStorage: (storage) =>
      overriding(storage, {
        append: async (request) => {
          try {
            return await storage.append(request);
          } catch (error) {
            throw { ...(error as object) };
          }
        },
      }),
  },
  {
    fault: "fails after its disposal with what its client says",
    group: "the storage handle",
    found: "refuses every call once it has been disposed of",
    breakStorage: (storage) =>
      overriding(storage, {
        getMetrics: async (streamId) => {
          try {
            return await storage.getMetrics(streamId);
          } catch (error) {
            throw new Error("SQLITE_MISUSE: the database is closed", { cause: error });
          }
        },
      }),
  },
];
