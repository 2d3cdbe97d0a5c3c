import type { StreamContext } from "./stream-impl.js";

/** By this a store of another thread says what time it is there. */
export const STORE_TIME: unique symbol = Symbol("store time");

/** The time of a store's clock, in milliseconds: in the thread that has the store. */
export async function storeTime({ storage, now }: Pick<StreamContext, "storage" | "now">): Promise<number> {
  if (!(STORE_TIME in storage)) return now();
  return (storage[STORE_TIME] as () => Promise<number>)();
}
