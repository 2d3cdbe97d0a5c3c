import type { BenchEvent } from "../bench-event.js";
import type { CommandingStore } from "../subject.js";
import { importPeer } from "./import-peer.js";

interface CommandsModule {
  CommandHandler(options: {
    evolve(state: number): number;
    initialState(): number;
    retry: { onVersionConflict: number };
  }): (store: object, id: string, decide: (state: number) => object) => Promise<unknown>;
}

/** As often as the library tries by default. */
const RETRIES = 4;

/** Its command handler, with retries, which it has to be asked for. */
export async function commandEmmett(store: {
  readStream(name: string): Promise<{ events: readonly unknown[] }>;
}): Promise<CommandingStore> {
  const { CommandHandler } = await importPeer<CommandsModule>("@event-driven-io/emmett");
  const handle = CommandHandler({
    evolve: (count) => count + 1,
    initialState: () => 0,
    retry: { onVersionConflict: RETRIES },
  });
  return {
    async command(account, makeEvent) {
      await handle(store, account, (count) => withoutKey(makeEvent(count)));
    },
    count: async (account) => (await store.readStream(account)).events.length,
    close: () => undefined,
  };
}

function withoutKey({ type, data, metadata }: BenchEvent): object {
  return { type, data, metadata };
}
