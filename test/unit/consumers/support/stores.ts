import { memoryStreamFactory } from "../../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../../adapters/sqlite/index.js";
import type { AdministrableStreamFactory, CandidateEvent, TransactionalStreamFactory } from "../../../../index.js";
import { NO_POSTGRES } from "../../../support/postgres-server.js";
import { throwawayStores } from "../../../support/throwaway-stores.js";

export type Store = TransactionalStreamFactory & AdministrableStreamFactory;

/** The stores that consumers are tested over. */
export const STORES: [string, () => Promise<Store>][] = [
  ["memory", async () => memoryStreamFactory()],
  ["SQLite", () => sqliteStreamFactory(":memory:")],
];

/** And over a server, where there is one. */
if (NO_POSTGRES === null) STORES.push(["PostgreSQL", throwawayStores()]);

export const numbered = (data: number): CandidateEvent => ({ type: "Numbered", data });

export async function listOf<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** Writes one event to each of so many streams. @returns the last position */
export async function writeToStreams(streams: TransactionalStreamFactory, count: number, first = 0): Promise<number> {
  const writes = Array.from({ length: count }, (_, index) => ({
    streamId: `s-${index}`,
    events: numbered(first + index),
  }));
  const results = await streams.writeAll(writes);
  return results.at(-1)?.position ?? 0;
}
