import { type SQLiteOptions, sqliteStreamFactory } from "async-streams";
import { type Fold, handle, stateCache } from "async-streams/commands";
import type { BenchEvent } from "../bench-event.js";
import type { CommandingStore } from "../subject.js";

/** How many events a stream has, as its state. */
export const COUNT: Fold<number, BenchEvent> = { name: "count", initial: () => 0, evolve: (count) => count + 1 };

/** Handles commands with a cache, as a service does. */
export async function commandLibrary(path: string, options: SQLiteOptions): Promise<CommandingStore> {
  const factory = await sqliteStreamFactory(path, options);
  const cache = stateCache();
  return {
    async command(account, makeEvent) {
      await handle(factory, COUNT, account, (count) => makeEvent(count), { cache });
    },
    async count(account) {
      return (await factory.openStream(account)).version;
    },
    close: () => factory[Symbol.asyncDispose](),
    factory,
  };
}
