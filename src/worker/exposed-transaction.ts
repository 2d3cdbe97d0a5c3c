import {
  type AppendRequest,
  type ListRecordsOptions,
  type ReadQuery,
  type Records,
  type RemoveRequest,
  type SQLStatement,
  type StorageSession,
  TransactionError,
  type TransactOptions,
} from "../../protocols/index.js";
import { MAX_TRANSACTION_TIMEOUT_MS, WORKER_TIMEOUT_GRACE_MS } from "../limits.js";
import { type CallSession, runTransaction, type TransactionContext } from "../transaction/run-transaction.js";
import { rowsMessage } from "./exact-bytes.js";
import { describeSession, type ExposedCall, type PerformRequest } from "./exposed-calls.js";
import { readWorkerPage } from "./worker-page.js";

/** The options of a transaction, as a message carries them. */
export type TransactArgument = Omit<TransactOptions, "signal">;

/** The request of a removal, as a message carries it. */
export type RemoveArgument = Omit<RemoveRequest, "assertUnneeded"> & { readonly hasCheck: boolean };

/**
 * Runs a transaction whose work is done in a worker. It ends when the worker says so, when the worker goes away, and a little
 * after its time in any case, so that no worker can hold up the others.
 */
export function transact(
  context: TransactionContext,
  call: ExposedCall,
  { timeoutMs, isAlone = false, attempt }: TransactArgument,
): Promise<void> {
  const plan = { timeoutMs: limitOf(timeoutMs, isAlone), signal: call.signal, isAlone, attempt };
  return runTransaction(
    context,
    "transaction",
    async (_tx, callSession) => {
      const begun = await callSession("begin", async (session) => describeSession(session));
      await call.converse(begun, (method, args) => perform(callSession, method, args));
    },
    plan,
  );
}

/** Where the worker names no limit, and it is not one that may take long, nothing takes longer than any may. */
function limitOf(timeoutMs: number | undefined, isAlone: boolean): number | undefined {
  if (timeoutMs === undefined && isAlone) return undefined;
  return (timeoutMs ?? MAX_TRANSACTION_TIMEOUT_MS) + WORKER_TIMEOUT_GRACE_MS;
}

// biome-ignore lint/suspicious/noExplicitAny: the arguments of a method are its own, and come from this library.
const SESSION_METHODS: Readonly<Record<string, (session: StorageSession, ...args: any[]) => Promise<unknown>>> = {
  append: (session, request: AppendRequest) => session.append(request),
  readPage: (session, query: ReadQuery) => readWorkerPage(session, query),
  "records.get": ({ records }, ...args: Parameters<Records["get"]>) => records.get(...args),
  "records.put": ({ records }, ...args: Parameters<Records["put"]>) => records.put(...args),
  "records.delete": ({ records }, ...args: Parameters<Records["delete"]>) => records.delete(...args),
  "records.list": ({ records }, ...args: Parameters<Records["list"]>) => records.list(...args),
  "sql.run": async ({ sql }, statement: SQLStatement) => sql?.run(statement),
  "sql.all": async ({ sql }, statement: SQLStatement) => rowsMessage((await sql?.all(statement)) ?? []),
  runScript: async (session, script: string) => session.runScript?.(script),
};

/** Makes a call of the session. Its error is answered as it is: the worker says itself in which call it was. */
async function perform(callSession: CallSession, method: string, args: readonly unknown[]): Promise<unknown> {
  let failure: { readonly error: unknown } | undefined;
  try {
    return await callSession("use it", async (session) => {
      try {
        return await SESSION_METHODS[method]?.(session, ...args);
      } catch (error) {
        failure = { error };
        throw error;
      }
    });
  } catch (error) {
    throw failure === undefined ? error : failure.error;
  }
}

/** Lets the worker decide whether events may go. Writers wait for it, so its time is limited. */
export async function checkUnneeded(call: ExposedCall, records: Pick<Records, "list">): Promise<void> {
  const list: PerformRequest = (_method, [space, options]) =>
    records.list(space as string, options as ListRecordsOptions | undefined);
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(checkTimeoutError()), MAX_TRANSACTION_TIMEOUT_MS);
  });
  try {
    await Promise.race([call.converse({ head: 0, dialect: undefined, runsScripts: false }, list), limit]);
  } finally {
    clearTimeout(timer);
  }
}

function checkTimeoutError(): TransactionError {
  const message =
    `The worker did not say within ${MAX_TRANSACTION_TIMEOUT_MS} ms whether events are needed. Nothing was removed; do ` +
    "work that blocks the worker in another one.";
  return new TransactionError("TRANSACTION_TIMEOUT", message);
}
