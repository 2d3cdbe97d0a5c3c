import type {
  AdministrableStorage,
  AppendUnit,
  AtomicStorage,
  Records,
  RemovedEvents,
  RemoveRequest,
  StorageHandle,
  TransactionalStorage,
  TransactOptions,
} from "../../protocols/index.js";
import { Lifetime } from "../adapter-kit/lifetime.js";
import { PendingWork } from "../adapter-kit/pending-work.js";
import { encodedBytes } from "../stream/content-bytes.js";
import { STORE_TIME } from "../stream/store-time.js";
import { connectedSession } from "./connected-session.js";
import type { Connection, SessionWork, StoreCall } from "./connection.js";
import { appendMessage, snapshotMessage, statementMessage } from "./exact-bytes.js";
import type { StoreDescription } from "./messages.js";

/** Makes calls until the storage is disposed of. */
type MakeCall = <T>(call: StoreCall, work?: SessionWork) => Promise<T>;

/** A store in another thread, as storage: each call is a message. It has the methods that the store has. */
export function connectedStorage(
  connection: Connection,
  store: StoreDescription,
): StorageHandle & { readonly [STORE_TIME]: () => Promise<number> } {
  const { location, limits, canWriteAll, canTransact, canListRecords, canQuery, canAdminister } = store;
  const lifetime = new Lifetime(location === undefined ? "the store" : `the store ${location}`);
  const pending = new PendingWork();
  const call: MakeCall = async (made, work) => {
    lifetime.assertOpen(made.attempt);
    pending.begin();
    try {
      return await connection.call(made, work);
    } finally {
      pending.end();
    }
  };
  const dispose = async (): Promise<void> => {
    lifetime.refuse();
    await pending.drained();
    connection.close();
  };
  return {
    ...(location !== undefined && { location }),
    ...(limits !== undefined && { limits }),
    ...streamCalls(call),
    ...(canWriteAll && atomicCalls(call)),
    ...(canTransact && transactionalCalls(call)),
    ...(canListRecords && recordCalls(call)),
    ...(canQuery && queryCalls(call)),
    ...(canAdminister && administrativeCalls(call)),
    [STORE_TIME]: () => call({ method: "now", args: [], attempt: "read the clock of the store", lane: "read" }),
    [Symbol.asyncDispose]: dispose,
  };
}

function streamCalls(call: MakeCall): Omit<StorageHandle, typeof Symbol.asyncDispose> {
  const read = <T>(attempt: string, method: string, argument: unknown): Promise<T> =>
    call({ method, args: [argument], attempt, lane: "read" });
  return {
    append: (request) =>
      call({
        method: "append",
        args: [appendMessage(request)],
        attempt: `write to stream "${request.streamId}"`,
        lane: "write",
        bytes: encodedBytes(request.events),
        signal: request.signal,
      }),
    readPage: ({ signal, ...query }) =>
      call({ method: "readPage", args: [query], attempt: `read stream "${query.streamId}"`, lane: "read", signal }),
    getVersion: (streamId) => read(`read the version of stream "${streamId}"`, "getVersion", streamId),
    getMetrics: (streamId) => read(`read the metrics of stream "${streamId}"`, "getMetrics", streamId),
    loadSnapshot: (query) => read(`load a snapshot of stream "${query.streamId}"`, "loadSnapshot", query),
    saveSnapshot: (snapshot, retention) =>
      call({
        method: "saveSnapshot",
        args: [snapshotMessage(snapshot), retention],
        attempt: `save a snapshot of stream "${snapshot.streamId}"`,
        lane: "write",
        bytes: snapshot.state.bytes.byteLength,
      }),
  };
}

function atomicCalls(call: MakeCall): Pick<AtomicStorage, "appendAll"> {
  return {
    appendAll: ({ requests, conditions, signal }: AppendUnit) =>
      call({
        method: "appendAll",
        args: [{ requests: requests.map(appendMessage), conditions }],
        attempt: "write to several streams",
        lane: "write",
        bytes: requests.reduce((sum, { events }) => sum + encodedBytes(events), 0),
        signal,
      }),
  };
}

function transactionalCalls(call: MakeCall): Pick<TransactionalStorage, "transact"> {
  return {
    transact: async (work, { signal, ...options }: TransactOptions) => {
      const { attempt = "begin a transaction" } = options;
      const made: StoreCall = { method: "transact", args: [options], attempt, lane: "write", signal };
      return (await converse(call, made, (begun, request) => work(connectedSession(begun, request)))).value;
    },
  };
}

function recordCalls(call: MakeCall): Pick<TransactionalStorage, "listRecords"> {
  return {
    listRecords: (space, options) =>
      call({
        method: "listRecords",
        args: [space, options],
        attempt: `list the records of "${space}"`,
        lane: "read",
      }),
  };
}

function queryCalls(call: MakeCall): Pick<TransactionalStorage, "query"> {
  return {
    query: (statement, { signal }) =>
      call({ method: "query", args: [statementMessage(statement)], attempt: "query the tables", lane: "read", signal }),
  };
}

type AdministrativeCalls = Pick<
  AdministrableStorage,
  "listStreams" | "removeBefore" | "deleteSnapshots" | "countSnapshots" | "reclaim"
>;

function administrativeCalls(call: MakeCall): AdministrativeCalls {
  return {
    listStreams: (query) => call({ method: "listStreams", args: [query], attempt: "list the streams", lane: "read" }),
    removeBefore: async ({ assertUnneeded, ...request }: RemoveRequest) => {
      const args = [{ ...request, hasCheck: assertUnneeded !== undefined }];
      const attempt = `remove events of stream "${request.streamId}"`;
      const made: StoreCall = { method: "removeBefore", args, attempt, lane: "write" };
      const { answer } = await converse<void, RemovedEvents>(call, made, async (_begun, ask) => {
        const list: Records["list"] = (space, options) => ask("records.list", [space, options]);
        await assertUnneeded?.({ list });
      });
      return answer;
    },
    deleteSnapshots: (query) => {
      const attempt = `delete snapshots of stream "${query.streamId}"`;
      return call({ method: "deleteSnapshots", args: [query], attempt, lane: "write" });
    },
    countSnapshots: (query) => {
      const attempt = `count snapshots of stream "${query.streamId}"`;
      return call({ method: "countSnapshots", args: [query], attempt, lane: "read" });
    },
    reclaim: (maxBytes) => call({ method: "reclaim", args: [maxBytes], attempt: "reclaim space", lane: "write" }),
  };
}

/**
 * Makes a call with a session. What its work rejects with is thrown as it is, since it never leaves this thread.
 *
 * @returns the value of the work, and the answer of the store
 */
async function converse<T, Answer>(
  call: MakeCall,
  made: StoreCall,
  work: (...args: Parameters<SessionWork>) => Promise<T>,
): Promise<{ readonly value: T; readonly answer: Answer }> {
  let value: T | undefined;
  let failure: { readonly error: unknown } | undefined;
  try {
    const answer = await call<Answer>(made, async (begun, request) => {
      try {
        value = await work(begun, request);
      } catch (error) {
        failure = { error };
        throw error;
      }
    });
    return { value: value as T, answer };
  } catch (error) {
    throw failure === undefined ? error : failure.error;
  }
}
