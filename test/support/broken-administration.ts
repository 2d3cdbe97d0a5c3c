import {
  type AdministrableStorage,
  type AppendRequest,
  DELETED_EVENT_TYPE,
  type EventPage,
  type ReadQuery,
  type StorageSession,
  type StreamRow,
} from "../../protocols/index.js";
import { overriding } from "./overriding.js";

/** A fault of a storage handle's administration, and where the suite must find it. */
interface BrokenAdministration {
  readonly fault: string;
  readonly group: string;
  readonly found: string;
  readonly breakStorage: (storage: AdministrableStorage) => AdministrableStorage;
}

const LIST = "the list of streams, where the storage has it";
const REMOVAL = "a removal, where the storage has it";
const NEEDS = "events that somebody needs, where the storage can remove them";
const KEYS = "the keys of removed events, where the storage can remove them";
const END = "a stream that ends with a tombstone, where the storage can remove events";
const SNAPSHOTS = "the removal of snapshots, where the storage has it";

function withRows(
  storage: AdministrableStorage,
  rewrite: (rows: readonly StreamRow[], after: string) => readonly StreamRow[],
): AdministrableStorage {
  return overriding<AdministrableStorage>(storage, {
    listStreams: async (query) => rewrite(await storage.listStreams(query), query.after),
  });
}

function withPages(
  storage: AdministrableStorage,
  rewrite: (page: EventPage, query: ReadQuery) => EventPage,
): AdministrableStorage {
  return overriding<AdministrableStorage>(storage, {
    readPage: async (query) => rewrite(await storage.readPage(query), query),
  });
}

/** Stores a tombstone as any other event, so that nothing keeps the stream from going on. */
function withoutTombstones(storage: AdministrableStorage): AdministrableStorage {
  const plain = (request: AppendRequest): AppendRequest => ({
    ...request,
    events: request.events.map((event) => (event.type === DELETED_EVENT_TYPE ? { ...event, type: "Ended" } : event)),
  });
  const inSession = (session: StorageSession): StorageSession =>
    overriding(session, { append: (request) => session.append(plain(request)) });
  return overriding<AdministrableStorage>(storage, {
    append: (request) => storage.append(plain(request)),
    transact: (work, options) => storage.transact((session) => work(inSession(session)), options),
  });
}

/** Removes one event more than it is asked for. */
function removingOneMore(storage: AdministrableStorage): AdministrableStorage {
  return overriding<AdministrableStorage>(storage, {
    removeBefore: (request) => storage.removeBefore({ ...request, before: request.before + 1 }),
  });
}

/** Removes events whoever needs them. */
function withoutNeeds(storage: AdministrableStorage): AdministrableStorage {
  return overriding<AdministrableStorage>(storage, {
    removeBefore: ({ assertUnneeded: _, ...request }) => storage.removeBefore(request),
  });
}

/** Tells nobody that events were removed. */
function withoutFirst(storage: AdministrableStorage): AdministrableStorage {
  return withPages(storage, ({ first: _, ...page }) => page);
}

/** What the tests of the storage handle must find. */
export const BROKEN_ADMINISTRATION: readonly BrokenAdministration[] = [
  {
    fault: "skips a stream between two pages of the list",
    group: LIST,
    found: "holds each stream once in pages of 3",
    breakStorage: (storage) => withRows(storage, (rows, after) => (after === "" ? rows : rows.slice(1))),
  },
  {
    fault: "lists streams in the order of UTF-16 units",
    group: LIST,
    found: "has the ids in code-point order, also those without events",
    breakStorage: (storage) =>
      withRows(storage, (rows) => [...rows].sort((a, b) => (a.streamId < b.streamId ? -1 : 1))),
  },
  {
    fault: "lists no streams that have metadata only",
    group: LIST,
    found: "says of each stream what is known of it",
    breakStorage: (storage) => withRows(storage, (rows) => rows.filter(({ version }) => version > 0)),
  },
  {
    fault: "lists no deleted streams",
    group: LIST,
    found: "has deleted streams, and says that they are",
    breakStorage: (storage) => withRows(storage, (rows) => rows.filter(({ isDeleted }) => !isDeleted)),
  },
  {
    fault: "numbers the events that are left anew",
    group: REMOVAL,
    found: "takes the first events, and leaves the others where they were",
    breakStorage: (storage) =>
      withPages(storage, ({ events, first = 1, ...page }) => ({
        ...page,
        events: events.map((event) => ({ ...event, version: event.version - first + 1 })),
      })),
  },
  {
    fault: "removes one event more than it is asked for",
    group: REMOVAL,
    found: "takes the first events, and leaves the others where they were",
    breakStorage: removingOneMore,
  },
  {
    fault: "removes everything in one step",
    group: REMOVAL,
    found: "takes no more than its limit, the oldest first",
    breakStorage: (storage) =>
      overriding<AdministrableStorage>(storage, {
        removeBefore: (request) => storage.removeBefore({ ...request, limit: 1_000_000 }),
      }),
  },
  {
    fault: "does not say in its pages that events were removed",
    group: REMOVAL,
    found: "is told by the first version of each page of the stream",
    breakStorage: withoutFirst,
  },
  {
    fault: "removes what somebody needs",
    group: NEEDS,
    found: "stay, and the removal fails with what says so",
    breakStorage: withoutNeeds,
  },
  {
    fault: "says that somebody needs the events once they are gone",
    group: NEEDS,
    found: "stay, and the removal fails with what says so",
    breakStorage: (storage) =>
      overriding<AdministrableStorage>(storage, {
        async removeBefore({ assertUnneeded, ...request }) {
          const removed = await storage.removeBefore(request);
          await storage.transact(async ({ records }) => assertUnneeded?.(records), {});
          return removed;
        },
      }),
  },
  {
    fault: "looks for who needs the events in a transaction of its own",
    group: NEEDS,
    found: "are looked for in the transaction that removes",
    breakStorage: (storage) =>
      overriding<AdministrableStorage>(storage, {
        async removeBefore({ assertUnneeded, ...request }) {
          await storage.transact(async ({ records }) => assertUnneeded?.(records), {});
          return storage.removeBefore(request);
        },
      }),
  },
  {
    fault: "forgets the keys of what it removes",
    group: KEYS,
    found: "stay, so that a late retry stores nothing",
    breakStorage: (storage) =>
      overriding<AdministrableStorage>(storage, {
        removeBefore: (request) => storage.removeBefore({ ...request, keepKeys: false }),
      }),
  },
  {
    fault: "never forgets a key",
    group: KEYS,
    found: "are forgotten where that is asked for, earlier ones too",
    breakStorage: (storage) =>
      overriding<AdministrableStorage>(storage, {
        removeBefore: (request) => storage.removeBefore({ ...request, keepKeys: true }),
      }),
  },
  {
    fault: "lets a stream go on behind its tombstone",
    group: END,
    found: "takes no append, whatever it expects, and no retry",
    breakStorage: withoutTombstones,
  },
  {
    fault: "removes the snapshots of all projections",
    group: SNAPSHOTS,
    found: "takes those of one projection, and below one version",
    breakStorage: (storage) =>
      overriding<AdministrableStorage>(storage, {
        deleteSnapshots: ({ streamId, below }) => storage.deleteSnapshots({ streamId, below }),
      }),
  },
  {
    fault: "saves snapshots of a deleted stream",
    group: SNAPSHOTS,
    found: "is final where the stream ends with a tombstone",
    breakStorage: (storage) =>
      overriding<AdministrableStorage>(storage, {
        saveSnapshot: (snapshot) => storage.saveSnapshot(snapshot).catch(() => undefined),
      }),
  },
];

/** What the tests of the streams must find. */
export const BROKEN_RETENTION: readonly BrokenAdministration[] = [
  {
    fault: "removes what a rule of retention protects",
    group: "retention, where the store has administration",
    found: "keeps exactly what the first rule that fits protects",
    breakStorage: removingOneMore,
  },
  {
    fault: "does not say that events were removed",
    group: "a pruned stream, where the store has administration",
    found: "is read from what is left on, and never as a shorter list",
    breakStorage: withoutFirst,
  },
  {
    fault: "deletes a stream without a tombstone",
    group: "a deletion, where the store has administration",
    found: "is final: no write and no snapshot is taken, whatever is expected",
    breakStorage: withoutTombstones,
  },
  {
    fault: "skips a stream between two pages of the list",
    group: "the list of streams, where the store has administration",
    found: "has each stream once over many pages, by prefix, after an id and up to a limit",
    breakStorage: (storage) => withRows(storage, (rows, after) => (after === "" ? rows : rows.slice(1))),
  },
];
