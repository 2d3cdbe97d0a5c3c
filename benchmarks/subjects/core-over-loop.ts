import {
  type AppendRequest,
  type AppendResult,
  createStreamFactory,
  type Notifier,
  type StorageHandle,
} from "async-streams";
import { type Store, unsupported } from "../subject.js";
import { storeOverFactory } from "./library.js";

/** What the core is put over. */
export interface LoopParts {
  readonly name: string;
  /** Stores what came in one turn of the event loop. */
  readonly storeGroup: (group: readonly AppendRequest[]) => void;
  readonly close: () => void;
}

interface Waiting {
  readonly request: AppendRequest;
  readonly resolve: (result: AppendResult) => void;
}

/**
 * The library's core over the simplest adapter: a loop on the main thread that knows no retries and tells nobody. What is
 * checked is up to `storeGroup`. Expected versions must be numbers.
 */
export function coreOverLoop({ name, storeGroup, close }: LoopParts): Store {
  let waiting: Waiting[] = [];

  function storeWaiting(): void {
    const group = waiting;
    waiting = [];
    storeGroup(group.map(({ request }) => request));
    for (const { request, resolve } of group) {
      const written = request.events.length;
      resolve({ version: Number(request.expectedVersion) + written, position: 0, written });
    }
  }

  const storage: StorageHandle = {
    append: (request) =>
      new Promise((resolve) => {
        if (waiting.length === 0) setImmediate(storeWaiting);
        waiting.push({ request, resolve });
      }),
    getVersion: async () => 0,
    readPage: () => unsupported(name, "call for reading"),
    getMetrics: () => unsupported(name, "metrics"),
    saveSnapshot: () => unsupported(name, "snapshots"),
    loadSnapshot: () => unsupported(name, "snapshots"),
    [Symbol.asyncDispose]: async () => close(),
  };
  return storeOverFactory(createStreamFactory({ storage, notifier: SILENT }));
}

const SILENT: Notifier = {
  start: async () => undefined,
  subscribe: () => ({ unsubscribe: () => undefined }),
  [Symbol.asyncDispose]: async () => undefined,
};
