import { MemoryNotifier, MemoryStorageHandle } from "../../../adapters/memory/index.js";
import { sqliteStreamFactory } from "../../../adapters/sqlite/index.js";
import type { AdministrableStreamFactory, Stream } from "../../../protocols/index.js";
import { createStreamFactory } from "../../../src/stream/create-stream-factory.js";
import { overriding } from "../../support/overriding.js";
import type { DriverName } from "../../support/sqlite-drivers.js";
import type { ModelWatch } from "./model-watch.js";

/** One of the two stores that are held side by side: two factories over one content, with handles and watches. */
export interface Side extends AsyncDisposable {
  factories: AdministrableStreamFactory[];
  readonly handles: Stream[];
  readonly watches: ModelWatch[];
  /** Disposes of the factories and opens the content again. Old handles stay, and must know that they are closed. */
  reopen(): Promise<void>;
}

const FACTORIES = 2;

function sideOf(open: () => Promise<AdministrableStreamFactory>): Side {
  const side: Side = {
    factories: [],
    handles: [],
    watches: [],
    async reopen() {
      for (const factory of side.factories) await factory[Symbol.asyncDispose]();
      side.factories = [];
      for (let index = 0; index < FACTORIES; index += 1) side.factories.push(await open());
    },
    async [Symbol.asyncDispose]() {
      for (const factory of side.factories) await factory[Symbol.asyncDispose]();
    },
  };
  return side;
}

/** A store in memory whose content outlives its factories. */
export function memorySide(): Side {
  const content = new MemoryStorageHandle();
  return sideOf(async () => {
    const storage = overriding(content, { [Symbol.asyncDispose]: async () => undefined });
    return createStreamFactory({ storage, notifier: new MemoryNotifier(content) });
  });
}

export function sqliteSide(path: string, driver: DriverName | undefined): Side {
  return sideOf(() => sqliteStreamFactory(path, { pollIntervalMs: 1, driver }));
}
