import type { AppendRequest, Records, StorageSession, TransactionalStorage } from "../../protocols/index.js";
import { overriding } from "./overriding.js";

/** A fault of a storage handle's transactions, and where the suite must find it. */
interface BrokenTransactions {
  readonly fault: string;
  readonly group: string;
  readonly found: string;
  readonly breakStorage: (storage: TransactionalStorage) => TransactionalStorage;
}

const GROUP = "a transaction, where the storage has it";
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Changes the sessions that work gets. */
function withSessions(
  storage: TransactionalStorage,
  rewrite: (session: StorageSession) => Partial<StorageSession>,
): TransactionalStorage {
  return overriding<TransactionalStorage>(storage, {
    transact: (work, options) => storage.transact((session) => work(overriding(session, rewrite(session))), options),
  });
}

function withRecords(
  storage: TransactionalStorage,
  rewrite: (records: Records) => Partial<Records>,
): TransactionalStorage {
  return withSessions(storage, ({ records }) => ({ records: overriding(records, rewrite(records)) }));
}

export const BROKEN_TRANSACTIONS: readonly BrokenTransactions[] = [
  {
    fault: "keeps the events of a transaction that fails",
    group: GROUP,
    found: "leaves nothing when its work rejects",
    breakStorage: (storage) =>
      overriding<TransactionalStorage>(storage, {
        transact: async (work, options) => {
          let failure: { readonly error: unknown } | undefined;
          const value = await storage.transact(async (session) => {
            try {
              return await work(session);
            } catch (error) {
              failure = { error };
              return undefined as never;
            }
          }, options);
          if (failure !== undefined) throw failure.error;
          return value;
        },
      }),
  },
  {
    fault: "shows the events of a transaction before its commit",
    group: GROUP,
    found: "is seen by nobody while it may still be undone",
    breakStorage: (storage) => {
      let shown: AppendRequest | undefined;
      const withShown = withSessions(storage, (session) => ({
        append: (request) => {
          shown = request;
          return session.append(request);
        },
      }));
      return overriding<TransactionalStorage>(withShown, {
        getVersion: async (streamId) => (shown?.streamId === streamId ? shown.events.length : 0),
      });
    },
  },
  {
    fault: "lets appends pass a transaction",
    group: GROUP,
    found: "begins in the order of the calls, appends included",
    breakStorage: (storage) =>
      overriding<TransactionalStorage>(storage, {
        transact: async (work, options) => {
          await turn();
          return storage.transact(work, options);
        },
      }),
  },
  {
    fault: "lets others write while a transaction runs",
    group: GROUP,
    found: "keeps others from committing events after its head",
    breakStorage: (storage) =>
      overriding<TransactionalStorage>(storage, {
        transact: (work) =>
          work({
            head: 0,
            append: (request) => storage.append(request),
            readPage: (query) => storage.readPage(query),
            records: {} as Records,
          }),
      }),
  },
  {
    fault: "begins revisions anew after a delete",
    group: GROUP,
    found: "never gives a record a revision again",
    breakStorage: (storage) => {
      const revisions = new Map<string, number>();
      return withRecords(storage, (records) => ({
        put: async (space, key, value) => {
          await records.put(space, key, value);
          const revision = (revisions.get(key) ?? 0) + 1;
          revisions.set(key, revision);
          return revision;
        },
        delete: async (space, key) => {
          await records.delete(space, key);
          revisions.delete(key);
        },
      }));
    },
  },
  {
    fault: "does not see in a transaction what it has done itself",
    group: GROUP,
    found: "commits what its work did, and returns its value",
    breakStorage: (storage) => withSessions(storage, () => ({ readPage: (query) => storage.readPage(query) })),
  },
  {
    fault: "begins a transaction that was aborted while it waited",
    group: GROUP,
    found: "does not begin when it is aborted while it waits",
    breakStorage: (storage) =>
      overriding<TransactionalStorage>(storage, { transact: (work) => storage.transact(work, {}) }),
  },
];
