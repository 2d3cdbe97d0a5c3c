import { type Notifier, StorageError, type StreamFactory, type TransactionalStorage } from "../../protocols/index.js";
import type { Participant } from "../stream/participant.js";
import type { StoreService } from "../stream/store-service.js";
import type { StreamContext } from "../stream/stream-impl.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { inCall } from "../validate/in-call.js";
import { describeValue } from "../validate/json-text.js";
import { runTransaction, type TransactionPlan, type TransactionWork } from "./run-transaction.js";

// By name, so that it is found across copies of the package, and through objects that forward to a factory.
const STORE_ACCESS: unique symbol = Symbol.for("async-streams.StoreAccess");

/** What the library's own modules reach of a store, and its users do not. */
export interface StoreAccess {
  readonly context: StreamContext;
  readonly location: string | undefined;
  readonly storage: TransactionalStorage;
  readonly notifier: Notifier;
  /** What the disposal of the factory stops first. */
  readonly services: Set<StoreService>;
  /** What takes part in the transactions that store events. */
  readonly participants: Set<Participant>;
  /**
   * Runs a transaction that reaches the reserved records.
   *
   * @param call - the public call that it is part of, such as `migrate`
   */
  run<T>(call: string, work: TransactionWork<T>, plan: TransactionPlan): Promise<T>;
}

/** Gives a factory over transactional storage what {@link storeAccessOf} finds. */
export function addStoreAccess(
  streams: StreamFactory,
  context: StreamContext & { readonly storage: TransactionalStorage },
): void {
  const { storage, notifier, services, participants, lifetime, calls } = context;
  const access: StoreAccess = {
    context,
    location: storage.location,
    storage,
    notifier,
    services,
    participants,
    async run(call, work, plan) {
      lifetime.assertOpen(call);
      calls.assertOutside(call);
      return runTransaction(context, call, work, plan);
    },
  };
  Object.defineProperty(streams, STORE_ACCESS, { value: access });
}

/** Whether it is a factory of this library, or something that forwards to one. */
export function hasStoreAccess(streams: object): boolean {
  return STORE_ACCESS in streams;
}

/**
 * @param attempt - such as `migrate the tables`
 * @throws InvalidArgumentError when it is no store
 * @throws StorageError `STORAGE_UNSUPPORTED` when the store has no transactions
 */
export function storeAccessOf(streams: unknown, attempt: string): StoreAccess {
  const isStore = typeof streams === "object" && streams !== null && "openStream" in streams;
  if (!isStore) {
    const refusal = invalidArgument("streams", `expected a store, got ${describeValue(streams)}`);
    throw inCall(refusal, attempt, undefined);
  }
  if (STORE_ACCESS in streams) return streams[STORE_ACCESS] as StoreAccess;
  const message = `Cannot ${attempt}: this store has no transactions. Use a store over SQLite.`;
  throw new StorageError("STORAGE_UNSUPPORTED", message);
}
