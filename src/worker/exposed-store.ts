import type {
  AdministrableStorage,
  AppendRequest,
  AppendUnit,
  DeleteSnapshotsQuery,
  EncodedState,
  ListRecordsOptions,
  ListStreamsQuery,
  ReadQuery,
  RemoveRequest,
  Snapshot,
  SnapshotQuery,
  SnapshotRetention,
  SQLStatement,
  TransactionalStorage,
} from "../../protocols/index.js";
import type { PendingWork } from "../adapter-kit/pending-work.js";
import { isAdministrable } from "../administration/administrable-factory.js";
import { acceptAppend } from "../stream/accept-append.js";
import type { StreamContext } from "../stream/stream-impl.js";
import { isAtomic, isTransactional } from "../transaction/storage-kinds.js";
import { acceptUnit } from "../transaction/transactional-factory.js";
import { rowsMessage, snapshotMessage } from "./exact-bytes.js";
import type { ExposedMethods } from "./exposed-calls.js";
import { maintenanceMethods } from "./exposed-maintenance.js";
import { checkUnneeded, type RemoveArgument, type TransactArgument, transact } from "./exposed-transaction.js";
import type { StoreDescription } from "./messages.js";
import { readWorkerPage } from "./worker-page.js";

/** What a store can do, for workers. */
export function describeStore({ storage, findMisuse, maintenance }: StreamContext): StoreDescription {
  return {
    location: storage.location,
    limits: storage.limits,
    findMisuse,
    canWriteAll: isAtomic(storage) || isTransactional(storage),
    canTransact: isTransactional(storage),
    canListRecords: isTransactional(storage) && storage.listRecords !== undefined,
    canQuery: isTransactional(storage) && storage.query !== undefined,
    canAdminister: isAdministrable(storage),
    canMaintain: maintenance !== undefined,
  };
}

/** Answers the calls of workers, within the limits that hold for the store's own calls. */
export function exposedMethods(context: StreamContext): ExposedMethods {
  const { storage, maintenance, pendingWrites } = context;
  return {
    ...streamMethods(context),
    ...((isAtomic(storage) || isTransactional(storage)) && {
      appendAll: ({ signal }, unit: AppendUnit) => acceptUnit(storage, { ...unit, signal }, context),
    }),
    ...(isTransactional(storage) && transactionalMethods({ ...context, storage })),
    ...(isAdministrable(storage) && administrativeMethods(storage, pendingWrites)),
    ...(maintenance !== undefined && maintenanceMethods(maintenance)),
  };
}

function streamMethods(context: StreamContext): ExposedMethods {
  const { storage, notifier, pendingWrites, now } = context;
  return {
    start: () => notifier.start(),
    now: async () => now(),
    append: ({ signal }, request: AppendRequest) => acceptAppend(context, { ...request, signal }),
    readPage: ({ signal }, query: ReadQuery) => readWorkerPage(storage, { ...query, signal }),
    getVersion: (_call, streamId: string) => storage.getVersion(streamId),
    getMetrics: (_call, streamId: string) => storage.getMetrics(streamId),
    async loadSnapshot(_call, query: SnapshotQuery) {
      const found = await storage.loadSnapshot(query);
      return found === null ? null : snapshotMessage(found);
    },
    saveSnapshot(_call, snapshot: Snapshot<EncodedState>, retention: SnapshotRetention | undefined) {
      // A clock of the store's own holds for workers too, which cannot have it.
      const timed = now === Date.now ? snapshot : { ...snapshot, timestamp: new Date(now()) };
      return counted(pendingWrites, () => storage.saveSnapshot(timed, retention));
    },
  };
}

function transactionalMethods(context: StreamContext & { readonly storage: TransactionalStorage }): ExposedMethods {
  const { storage } = context;
  return {
    transact: (call, options: TransactArgument) => transact(context, call, options),
    listRecords: async (_call, space: string, options: ListRecordsOptions) =>
      (await storage.listRecords?.(space, options)) ?? [],
    query: async ({ signal }, statement: SQLStatement) =>
      rowsMessage((await storage.query?.(statement, { signal })) ?? []),
  };
}

function administrativeMethods(storage: AdministrableStorage, pendingWrites: PendingWork): ExposedMethods {
  return {
    listStreams: (_call, query: ListStreamsQuery) => storage.listStreams(query),
    removeBefore(call, { hasCheck, ...request }: RemoveArgument) {
      const removal: RemoveRequest = hasCheck
        ? { ...request, assertUnneeded: (records) => checkUnneeded(call, records) }
        : request;
      return counted(pendingWrites, () => storage.removeBefore(removal));
    },
    deleteSnapshots: (_call, query: DeleteSnapshotsQuery) =>
      counted(pendingWrites, () => storage.deleteSnapshots(query)),
    countSnapshots: async (_call, query: DeleteSnapshotsQuery) => (await storage.countSnapshots?.(query)) ?? 0,
    reclaim: (_call, maxBytes: number) => counted(pendingWrites, () => storage.reclaim(maxBytes)),
  };
}

/** A disposal of the store waits for it. */
async function counted<T>(pendingWrites: PendingWork, work: () => Promise<T>): Promise<T> {
  pendingWrites.begin();
  try {
    return await work();
  } finally {
    pendingWrites.end();
  }
}
