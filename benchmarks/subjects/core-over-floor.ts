import {
  type AppendRequest,
  type AppendResult,
  createStreamFactory,
  type NewEvent,
  type Notifier,
  type StorageHandle,
} from "async-streams";
import { type Durability, type Store, type Subject, unsupported } from "../subject.js";
import { floor } from "./floor.js";
import { openFloorDatabase } from "./floor-database.js";
import { storeOverFactory } from "./library.js";

/**
 * The library's core over the simplest adapter: what comes in one turn of the event loop is inserted row by row, as the
 * floor does it, in one transaction. It checks no version beyond the unique index, knows no retries and keeps no checksum.
 * A store on one thread that checks and copies events, and answers with promises, cannot be much faster.
 */
export const coreOverFloor: Subject = {
  name: "core-over-floor",
  format: floor.format,
  settings: floor.settings,
  packages: floor.packages,
  only: ["W1", "W2", "W2u", "W3"],
  whyMissing: floor.whyMissing,
  open: openCore,
};

interface Waiting {
  readonly request: AppendRequest;
  readonly resolve: (result: AppendResult) => void;
}

async function openCore(path: string, durability: Durability): Promise<Store> {
  const { database, insert, streamNumber } = await openFloorDatabase(path, durability);
  let waiting: Waiting[] = [];

  const store = database.transaction((group: readonly Waiting[]) => {
    for (const { request } of group) {
      const stream = streamNumber(request.streamId);
      let version = Number(request.expectedVersion);
      for (const event of request.events) {
        version += 1;
        insert.run(rowOfEncoded(stream, version, event));
      }
    }
  });

  function storeWaiting(): void {
    const group = waiting;
    waiting = [];
    store(group);
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
    readPage: () => unsupported("core-over-floor", "call for reading"),
    getMetrics: () => unsupported("core-over-floor", "metrics"),
    saveSnapshot: () => unsupported("core-over-floor", "snapshots"),
    loadSnapshot: () => unsupported("core-over-floor", "snapshots"),
    async [Symbol.asyncDispose]() {
      database.close();
    },
  };
  return storeOverFactory(createStreamFactory({ storage, notifier: SILENT }));
}

const SILENT: Notifier = {
  start: async () => undefined,
  subscribe: () => ({ unsubscribe: () => undefined }),
  [Symbol.asyncDispose]: async () => undefined,
};

function rowOfEncoded(stream: number, version: number, event: NewEvent): (string | number | null)[] {
  const { id, idempotencyKey, type, data, metadata } = event;
  return [stream, version, Date.now(), type, data as string, metadata, id, idempotencyKey === null ? 0 : 1];
}
