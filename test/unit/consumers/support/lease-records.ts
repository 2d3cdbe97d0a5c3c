import type { JsonObject, Records } from "../../../../protocols/index.js";
import { storeAccessOf } from "../../../../src/transaction/store-access.js";
import type { Store } from "./stores.js";

/** Uses the records of leases, as the library of another process would. */
export function inRecords<T>(streams: Store, use: (records: Records) => Promise<T>): Promise<T> {
  const plan = { timeoutMs: 10_000, signal: undefined };
  return storeAccessOf(streams, "test").run("test", (_, call) => call("test", ({ records }) => use(records)), plan);
}

/** Changes some fields of a record, which has a new revision then. */
export function overwrite(streams: Store, space: string, key: string, change: JsonObject): Promise<number> {
  return inRecords(streams, async (records) => {
    const found = await records.get(space, key);
    return records.put(space, key, { ...found?.value, ...change });
  });
}

/** What a record has. */
export async function recordOf(streams: Store, space: string, key: string): Promise<JsonObject | undefined> {
  return (await inRecords(streams, (records) => records.get(space, key)))?.value;
}
