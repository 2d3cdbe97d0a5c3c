import type {
  AppendUnit,
  AtomicStorage,
  AtomicStreamFactory,
  NewEvent,
  QueryOptions,
  SQLStatement,
  StorageHandle,
  StreamWrite,
  Transaction,
  TransactionalStorage,
  TransactionalStreamFactory,
  TransactionOptions,
  UnitRequest,
  WriteAllOptions,
  WriteResult,
} from "../../protocols/index.js";
import { encodedBytes } from "../stream/content-bytes.js";
import { overloaded } from "../stream/memory-budget.js";
import { participantsOf } from "../stream/participant.js";
import type { StreamContext } from "../stream/stream-impl.js";
import { checkOptions, checkSignal, type OptionNames } from "../validate/check-arguments.js";
import { inAttempt, inCall } from "../validate/in-call.js";
import type { Awaitable, EventHooks } from "../view/event-hooks.js";
import { hookedRequest } from "../view/ordered-appends.js";
import { parseTransaction, runTransaction } from "./run-transaction.js";
import { takeStatement } from "./sql-statement.js";
import { noSQL } from "./store-transaction.js";
import { appendUnit, attemptOf, writeUnit } from "./write-all.js";

const QUERY_OPTIONS: OptionNames<QueryOptions> = { signal: true };

/** What a factory over atomic storage has besides. */
export type AtomicCalls = Pick<AtomicStreamFactory, "writeAll">;

/** What a factory over transactional storage has besides. */
export type TransactionalCalls = Pick<TransactionalStreamFactory, "transaction" | "query">;

/** The call that needs an atomic append. */
export function atomicCalls(storage: AtomicStorage | TransactionalStorage, context: StreamContext): AtomicCalls {
  return {
    async writeAll(writes: readonly StreamWrite[], options: WriteAllOptions = {}): Promise<readonly WriteResult[]> {
      const { lifetime, calls } = context;
      const attempt = "write to several streams";
      lifetime.assertOpen(attempt);
      calls.assertOutside("writeAll");
      const unit = inAttempt(attempt, storage.location, () => appendUnit(writes, options, storage, context.hooks));
      return acceptUnit(storage, unit, context);
    },
  };
}

/**
 * Appends a unit within the memory of the store, together with those who take part. A disposal waits for it.
 *
 * @throws StorageError `STORAGE_OVERLOADED` when there is no memory for it
 */
export async function acceptUnit(
  storage: AtomicStorage | TransactionalStorage,
  unit: AppendUnit,
  context: StreamContext,
): Promise<readonly WriteResult[]> {
  const { calls, pendingWrites, memory, participants, grouped, hooks } = context;
  const bytes = unit.requests.reduce((sum, { events }) => sum + encodedBytes(events), 0);
  if (!memory.reserve(bytes)) throw overloaded("write to several streams", bytes, context);
  pendingWrites.begin();
  try {
    const ready = hookedUnit(hooks, unit, storage);
    const hooked = ready instanceof Promise ? await ready : ready;
    const joining = participants.size === 0 ? undefined : participantsOf(participants, eventsOf(hooked));
    grouped.close();
    return await calls.note(() => writeUnit(storage, hooked, joining), `writeAll (${attemptOf(unit.requests)})`);
  } finally {
    memory.release(bytes);
    pendingWrites.end();
  }
}

/** The unit as the hooks want it to be stored: at once where nothing has to be waited for, so that calls keep their order. */
function hookedUnit(hooks: EventHooks | undefined, unit: AppendUnit, storage: StorageHandle): Awaitable<AppendUnit> {
  if (hooks?.beforeAppend === undefined) return unit;
  const hooked = unit.requests.map((request) => hookedRequest(hooks, request, storage));
  const isReady = (request: Awaitable<UnitRequest>): request is UnitRequest => !(request instanceof Promise);
  if (hooked.every(isReady)) return { ...unit, requests: hooked };
  return Promise.all(hooked).then((requests) => ({ ...unit, requests }));
}

const eventsOf = ({ requests }: AppendUnit): readonly NewEvent[] => requests.flatMap(({ events }) => events);

/** The calls that need transactions. */
export function transactionalCalls(storage: TransactionalStorage, context: StreamContext): TransactionalCalls {
  const { lifetime, calls } = context;
  const transactionContext = { ...context, storage };
  return {
    async transaction<T>(work: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
      lifetime.assertOpen("begin a transaction");
      calls.assertOutside("transaction");
      const plan = inAttempt("begin a transaction", storage.location, () => parseTransaction(work, options));
      return runTransaction(transactionContext, "transaction", (tx) => work(tx), plan);
    },

    async query<Row>(statement: SQLStatement, options: QueryOptions = {}): Promise<Row[]> {
      lifetime.assertOpen("query the tables");
      calls.assertOutside("query");
      const { signal, taken } = inAttempt("query the tables", storage.location, () => parseQuery(statement, options));
      signal?.throwIfAborted();
      if (storage.query === undefined) throw noSQL("query the tables", storage.location);
      const query = storage.query.bind(storage, taken, { signal });
      try {
        return (await calls.note(query, "query")) as Row[];
      } catch (error) {
        throw inCall(error, "query the tables", storage.location);
      }
    },
  };
}

function parseQuery(
  statement: SQLStatement,
  options: QueryOptions,
): { readonly signal: AbortSignal | undefined; readonly taken: SQLStatement } {
  checkOptions(options, QUERY_OPTIONS);
  const { signal } = options;
  checkSignal(signal);
  return { signal, taken: takeStatement(statement) };
}
