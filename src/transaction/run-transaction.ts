import {
  type StorageSession,
  type Transaction,
  type TransactionalStorage,
  TransactionError,
  type TransactionOptions,
} from "../../protocols/index.js";
import { recordErrorIn } from "../leases/record-shapes.js";
import { DEFAULT_TRANSACTION_TIMEOUT_MS, MAX_TRANSACTION_TIMEOUT_MS } from "../limits.js";
import { encodedBytes } from "../stream/content-bytes.js";
import { overloaded } from "../stream/memory-budget.js";
import { type Participant, participantsFor } from "../stream/participant.js";
import type { StreamContext } from "../stream/stream-impl.js";
import { checkOptions, checkSignal, invalidArgument, type OptionNames } from "../validate/check-arguments.js";
import { inStore } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { onAbort } from "../watch/abort-listeners.js";
import { StoreTransaction } from "./store-transaction.js";
import { TimeLimit } from "./time-limit.js";
import { TransactionCalls } from "./transaction-calls.js";
import { notingTypes } from "./written-types.js";

const OPTIONS: OptionNames<TransactionOptions> = { timeoutMs: true, signal: true };

/** What a transaction runs in. */
export type TransactionContext = Pick<
  StreamContext,
  "memory" | "calls" | "pendingWrites" | "participants" | "grouped" | "hooks"
> & {
  readonly storage: TransactionalStorage;
};

/** The options of a transaction, checked and complete. */
export interface TransactionPlan {
  /** Undefined: as long as it takes. */
  readonly timeoutMs: number | undefined;
  readonly signal: AbortSignal | undefined;
  readonly isAlone?: boolean | undefined;
  /** What it is for, for the storage's messages. */
  readonly attempt?: string | undefined;
}

/** Makes a call of the storage's session in its turn. It reaches what applications have no access to. */
export type CallSession = <T>(attempt: string, call: (session: StorageSession) => Promise<T>) => Promise<T>;

/** The callback of a transaction, as the library's own modules write it. */
export type TransactionWork<T> = (tx: Transaction, call: CallSession) => Promise<T>;

/** @throws InvalidArgumentError */
export function parseTransaction(work: unknown, options: TransactionOptions = {}): TransactionPlan {
  if (typeof work !== "function") throw invalidArgument("work", `expected a function, got ${describeValue(work)}`);
  checkOptions(options, OPTIONS);
  const { timeoutMs = DEFAULT_TRANSACTION_TIMEOUT_MS, signal } = options;
  checkSignal(signal);
  if (typeof timeoutMs !== "number" || !(timeoutMs >= 1 && timeoutMs <= MAX_TRANSACTION_TIMEOUT_MS)) {
    const reason = `expected 1 to ${MAX_TRANSACTION_TIMEOUT_MS} milliseconds, got ${describeValue(timeoutMs)}`;
    throw invalidArgument("timeoutMs", reason);
  }
  return { timeoutMs, signal };
}

/**
 * Runs a callback in a transaction of the storage, for no longer than it may take. A disposal waits for it.
 *
 * @param call - the public call that it is part of, such as `transaction`
 * @throws StorageError `STORAGE_OVERLOADED` when too many wait: each takes memory
 */
export async function runTransaction<T>(
  context: TransactionContext,
  call: string,
  work: TransactionWork<T>,
  plan: TransactionPlan,
): Promise<T> {
  const { memory, pendingWrites, calls } = context;
  const bytes = encodedBytes([]);
  if (!memory.reserve(bytes)) throw overloaded("begin a transaction", bytes, context);
  pendingWrites.begin();
  try {
    return await calls.note(() => beginTransaction(context, work, plan), call);
  } finally {
    memory.release(bytes);
    pendingWrites.end();
  }
}

function beginTransaction<T>(context: TransactionContext, work: TransactionWork<T>, plan: TransactionPlan): Promise<T> {
  const { signal, ...options } = plan;
  signal?.throwIfAborted();
  context.grouped.close();
  if (signal === undefined)
    return context.storage.transact((session) => runWork(context, session, work, plan), options);
  return giveUpWaiting(signal, (onBegun) =>
    context.storage.transact(
      async (session) => {
        onBegun();
        signal.throwIfAborted();
        return runWork(context, session, work, plan);
      },
      { signal, ...options },
    ),
  );
}

/** Rejects at once when the signal is aborted before the transaction has begun. */
function giveUpWaiting<T>(signal: AbortSignal, transact: (onBegun: () => void) => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const onBegun = onAbort(signal, () => reject(signal.reason));
    transact(onBegun).then(resolve, reject).finally(onBegun);
  });
}

async function runWork<T>(
  { storage: { location, limits }, memory, calls: guard, participants, hooks }: TransactionContext,
  storageSession: StorageSession,
  work: TransactionWork<T>,
  plan: TransactionPlan,
): Promise<T> {
  const calls = new TransactionCalls(location);
  const writtenTypes = participants.size === 0 ? undefined : new Set<string>();
  const session = writtenTypes === undefined ? storageSession : notingTypes(storageSession, writtenTypes);
  const tx = new StoreTransaction({ session, calls, location, limits, memory, hooks });
  const beganMs = performance.now();
  using limit = new TimeLimit(plan, (timeoutMs) => timeoutError(timeoutMs, guard.describeWaiting(beganMs), location));
  using callback = guard.begin((error) => calls.fail(error));
  try {
    const working = callback.run(async () => {
      const result = await work(tx, (attempt, call) => calls.run(attempt, () => call(session)));
      if (writtenTypes !== undefined) await takePart(participants, writtenTypes, session, calls);
      await calls.finish();
      return result;
    });
    const result = await Promise.race([working, limit.reached]);
    if (calls.failure !== undefined) throw calls.failure.error;
    return result;
  } catch (error) {
    calls.fail(error);
    await calls.abandon();
    throw recordErrorIn(location, calls.failure?.error);
  }
}

/** Lets those take part who want what was written. */
async function takePart(
  participants: ReadonlySet<Participant>,
  writtenTypes: ReadonlySet<string>,
  session: StorageSession,
  calls: TransactionCalls,
): Promise<void> {
  // Some of the callback's calls may not have been awaited.
  await calls.settle();
  if (writtenTypes.size === 0 || calls.failure !== undefined) return;
  for (const participant of participantsFor(participants, writtenTypes) ?? []) await participant.join(session, calls);
}

function timeoutError(timeoutMs: number, waiting: string, location: string | undefined): TransactionError {
  const message =
    `The transaction${inStore(location)} took longer than timeoutMs (${timeoutMs} ms) and was rolled back. ` +
    `Every writer waits for it: do no slow work in it.${waiting}`;
  return new TransactionError("TRANSACTION_TIMEOUT", message);
}
