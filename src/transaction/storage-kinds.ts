import type { AtomicStorage, StorageHandle, TransactionalStorage } from "../../protocols/index.js";

/** Whether a storage handle can append to several streams in one step. */
export function isAtomic(storage: StorageHandle): storage is AtomicStorage {
  return typeof (storage as Partial<AtomicStorage>).appendAll === "function";
}

/** Whether a storage handle has transactions. */
export function isTransactional(storage: StorageHandle): storage is TransactionalStorage {
  return typeof (storage as Partial<TransactionalStorage>).transact === "function";
}
