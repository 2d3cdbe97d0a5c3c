import type { AtomicStorage, StorageHandle, TransactionalStorage } from "../../protocols/index.js";
import { writeUnit } from "../../src/transaction/write-all.js";

const METHODS = ["append", "readPage", "getVersion", "getMetrics", "saveSnapshot", "loadSnapshot"] as const;

/** A storage handle with the methods that every one has, and no more. */
export function plainStorage(storage: StorageHandle): StorageHandle {
  const methods = METHODS.map((method) => [method, storage[method].bind(storage)] as const);
  return {
    ...(Object.fromEntries(methods) as unknown as Pick<StorageHandle, (typeof METHODS)[number]>),
    location: "a plain store",
    [Symbol.asyncDispose]: () => Promise.resolve(storage[Symbol.asyncDispose]()),
  };
}

/** A storage handle that appends to several streams in one step, and has no transactions. */
export function atomicStorage(storage: TransactionalStorage): AtomicStorage {
  return { ...plainStorage(storage), appendAll: (unit) => writeUnit(storage, unit, []) };
}
