import { storeAccessOf } from "../../../../src/transaction/store-access.js";
import type { Store } from "./stores.js";

/** Counts from now on how often a store's transactions and lists of records are asked for. */
export function countCalls(streams: Store): { readonly transact: number; readonly listRecords: number } {
  const { storage } = storeAccessOf(streams, "test");
  const counts = { transact: 0, listRecords: 0 };
  const { transact, listRecords } = storage;
  storage.transact = (work, options) => {
    counts.transact += 1;
    return transact.call(storage, work, options) as never;
  };
  storage.listRecords = async (space, options) => {
    counts.listRecords += 1;
    return (await listRecords?.call(storage, space, options)) ?? [];
  };
  return counts;
}
