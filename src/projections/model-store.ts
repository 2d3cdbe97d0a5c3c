import type { Records, SQL, StreamFactory, Transaction } from "../../protocols/index.js";
import { seenLeasesOf } from "../administration/former-builds.js";
import { type LeaseRenewals, leaseRenewalsOf, storeLeaseRenewals } from "../leases/lease-renewals.js";
import type { Sightings } from "../leases/sightings.js";
import { MAX_TRANSACTION_TIMEOUT_MS } from "../limits.js";
import { type CommittedRecords, committedRecordsOf, readRecords } from "../transaction/committed-records.js";
import { hasStoreAccess, type StoreAccess, storeAccessOf } from "../transaction/store-access.js";
import { TransactionSQL } from "../transaction/store-transaction.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { inCall } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import type { ReadModelStore } from "./projection.js";
import { PUBLIC, RESERVED, type Spaces } from "./projection-records.js";

/** How long a projection may take for a batch: no longer than the lease, and than any transaction. */
export const transactionMs = (leaseMs: number): number => Math.min(leaseMs, MAX_TRANSACTION_TIMEOUT_MS);

/** What a transaction of a read model works with. */
export interface ModelTransaction {
  /** The store, for messages. */
  readonly location: string | undefined;
  readonly sql: SQL;
  /** Whether the store has any. */
  readonly hasSQL: boolean;
  /** All records: the reserved ones too, where the store lets the library have them. */
  readonly records: Records;
  /** The events as they are in the transaction, where it is one of the event store. */
  readonly events?: Pick<Transaction, "position" | "read"> | undefined;
}

/** Where read models are, as the runner uses it. */
export interface ModelStore {
  readonly spaces: Spaces;
  /** The event store's own access, where it is the event store. */
  readonly access: StoreAccess | undefined;
  /** The renewals of this process over this store. */
  readonly renewals: LeaseRenewals;
  /** What this process has seen of the leases of former builds. */
  readonly seenLeases: Sightings;
  /** Its records as they were committed last. Undefined: it reads them in transactions only. */
  readonly committed: CommittedRecords | undefined;
  run<T>(call: string, timeoutMs: number, work: (tx: ModelTransaction) => Promise<T>): Promise<T>;
  /** Reads records, in a transaction only where they cannot be read without one. */
  read<T>(call: string, timeoutMs: number, work: (records: Pick<Records, "get">) => Promise<T>): Promise<T>;
}

/**
 * @param store - what the caller gave; default the event store itself
 * @throws InvalidArgumentError when it is no store
 */
export function modelStoreOf(streams: StreamFactory, store: ReadModelStore | undefined, attempt: string): ModelStore {
  const model = store === undefined ? undefined : readModelStoreOf(store, attempt);
  if (model !== undefined && !isEventStore(streams, model)) return model;
  // Its events are read as `streams` reads them.
  return overAccess(storeAccessOf(streams, attempt), true);
}

/** Whether the tables are in the store of the events, through whichever decorator of it. */
export function isEventStore(streams: StreamFactory, { access }: ModelStore): boolean {
  return hasStoreAccess(streams) && access?.storage === storeAccessOf(streams, "project").storage;
}

/** @throws InvalidArgumentError when it is no store */
export function readModelStoreOf(store: ReadModelStore, attempt: string): ModelStore {
  if (typeof store !== "object" || store === null || typeof store.transaction !== "function") {
    const refusal = invalidArgument("store", `expected an object with transaction(work), got ${describeValue(store)}`);
    throw inCall(refusal, attempt, undefined);
  }
  if (hasStoreAccess(store)) return overAccess(storeAccessOf(store, attempt));
  return {
    spaces: PUBLIC,
    access: undefined,
    renewals: leaseRenewalsOf(store, (work) => store.transaction(({ records }) => work(records))),
    seenLeases: seenLeasesOf(store),
    committed: undefined,
    run: (_call, _timeoutMs, work) =>
      store.transaction(({ sql, records }) =>
        // It may hand on the transactions of an event store in memory.
        work({ location: undefined, sql, records, hasSQL: !(sql instanceof TransactionSQL) || sql.isThere }),
      ),
    read: (_call, _timeoutMs, work) => store.transaction(({ records }) => work(records)),
  };
}

function overAccess(access: StoreAccess, hasEvents = false): ModelStore {
  return {
    spaces: RESERVED,
    access,
    renewals: storeLeaseRenewals(access),
    seenLeases: seenLeasesOf(access.storage),
    committed: committedRecordsOf(access),
    run: (call, timeoutMs, work) =>
      access.run(
        call,
        async (tx, callSession) => {
          const records = recordsInTurn((use) =>
            callSession("use the records of a projection", (session) => use(session.records)),
          );
          const hasSQL = await callSession("look for tables", async (session) => session.sql !== undefined);
          const events = hasEvents ? tx : undefined;
          return work({ location: access.location, sql: tx.sql, records, hasSQL, events });
        },
        { timeoutMs, signal: undefined },
      ),
    read: (call, timeoutMs, work) => readRecords(access, call, timeoutMs, work),
  };
}

/** The records of a session, each call of which is made in its turn. */
export function recordsInTurn(inTurn: <T>(use: (records: Records) => Promise<T>) => Promise<T>): Records {
  return {
    get: (space, key) => inTurn((all) => all.get(space, key)),
    put: (space, key, value, expected) => inTurn((all) => all.put(space, key, value, expected)),
    delete: (space, key, expected) => inTurn((all) => all.delete(space, key, expected)),
    list: (space, options) => inTurn((all) => all.list(space, options)),
  };
}
