import type { BenchEvent } from "../bench-event.js";
import type { Durability, Store, Subject } from "../subject.js";
import { unsupported } from "../subject.js";
import { importPeer, whyPeerIsMissing } from "./import-peer.js";

const PACKAGE = "@resolve-js/eventstore-lite";

/** reSolve's store in a file. */
export const resolveLite: Subject = {
  name: "resolve-lite",
  format: "resolve-lite",
  settings: { full: "rollback journal, synchronous EXTRA, as it comes; there is no option" },
  without: {
    W2: "it has no batch append",
    W2u: "it has no batch append",
    W5: "it cannot read the last events",
  },
  isPeer: true,
  packages: [PACKAGE, "better-sqlite3"],
  whyMissing: () => whyPeerIsMissing(PACKAGE),
  open: openResolve,
};

interface ResolveModule {
  readonly default: CreateAdapter | { readonly default: CreateAdapter };
}

type CreateAdapter = (options: { databaseFile: string }) => ResolveAdapter;

interface ResolveAdapter {
  init(): Promise<void>;
  saveEvent(event: object): Promise<unknown>;
  incrementalImport(events: readonly object[]): Promise<void>;
  loadEvents(filter: object): Promise<{ events: readonly unknown[] }>;
  dispose(): Promise<void>;
}

async function openResolve(path: string, _durability: Durability): Promise<Store> {
  const { default: exported } = await importPeer<ResolveModule>(PACKAGE);
  const createAdapter = typeof exported === "function" ? exported : exported.default;
  const adapter = createAdapter({ databaseFile: path });
  // It refuses to make the tables of a file that has them.
  await adapter.init().catch((error: Error) => {
    if (!error.message.includes("duplicate initialization")) throw error;
  });
  const theirs = ({ type, data }: BenchEvent, aggregateId: string) => ({
    aggregateId,
    type,
    payload: data,
    timestamp: Date.now(),
  });
  return {
    async append(streamId, event, version) {
      await adapter.saveEvent({ ...theirs(event, streamId), aggregateVersion: version + 1 });
    },
    // Only fills files: it is its import, and decides on no version.
    appendBatch: (streamId, events) => adapter.incrementalImport(events.map((event) => theirs(event, streamId))),
    async readAll(streamId) {
      const filter = { aggregateIds: [streamId], cursor: null, limit: 2 ** 31 - 1 };
      return (await adapter.loadEvents(filter)).events.length;
    },
    readLast: () => unsupported("resolve-lite", "read of the last events"),
    close: () => adapter.dispose(),
  };
}
