import type { Durability, Subject, TransactingStore } from "../subject.js";
import { COUNT_CHANGE, CREATE_ACCOUNTS } from "./accounts-table.js";
import { commandEmmett } from "./emmett-commands.js";
import { projectEmmett } from "./emmett-projections.js";
import {
  type EmmettConsumer,
  type EmmettProcessor,
  type EmmettStore,
  processorOf,
  storeOverEmmett,
  watchOverEmmett,
} from "./emmett-store.js";
import { importPeer, whyPeerIsMissing } from "./import-peer.js";

const PACKAGE = "@event-driven-io/emmett-sqlite";

/** Emmett's store over SQLite, as its documentation opens it. */
export const emmett: Subject = {
  name: "emmett-sqlite",
  format: "emmett-sqlite",
  settings: { full: "WAL, synchronous FULL, as it comes; there is no option" },
  without: { W2: "it has no idempotency keys" },
  isPeer: true,
  packages: [PACKAGE, "@event-driven-io/emmett", "sqlite3"],
  whyMissing: () => whyPeerIsMissing(PACKAGE),
  open: async (path) => storeOverEmmett(await openStore(path), () => undefined),
  openWatched: watchEmmett,
  openTransacting: openTransactingEmmett,
  openCommanding: async (path) => commandEmmett(await openStore(path)),
  openProjecting: async (path) =>
    projectEmmett(await openStore(path, { onBeforeSchemaCreated: createAccounts }), "accounts"),
};

interface EmmettModule {
  getSQLiteEventStore(options: { fileName: string; hooks?: EmmettHooks }): EmmettSQLiteStore;
}

interface EmmettHooks {
  onBeforeSchemaCreated(context: { connection: EmmettConnection }): Promise<void>;
  /** Runs in the transaction of an append. */
  onBeforeCommit?(messages: readonly EmmettMessage[], context: { connection: EmmettConnection }): Promise<void>;
}

interface EmmettConnection {
  command(sql: string, values?: readonly unknown[]): Promise<unknown>;
}

interface EmmettMessage {
  readonly metadata: { readonly streamName: string };
}

interface EmmettSQLiteStore extends EmmettStore {
  consumer(options?: { readonly pulling: { readonly batchSize: number } }): EmmettConsumer & {
    processor(processor: EmmettProcessor | EmmettProjector): void;
  };
}

interface EmmettProjector {
  readonly processorId: string;
  readonly startFrom: "BEGINNING";
  readonly projection: object;
  stopAfter(): boolean;
}

async function openStore(path: string, hooks?: EmmettHooks): Promise<EmmettSQLiteStore> {
  const { getSQLiteEventStore } = await importPeer<EmmettModule>(PACKAGE);
  const store = getSQLiteEventStore({ fileName: path, ...(hooks === undefined ? {} : { hooks }) });
  await store.schema.migrate();
  // It writes each error to the console before it throws it.
  console.log = () => undefined;
  return store;
}

/** Its way to change a table with an append: a hook that runs before the commit. */
const COUNT_CHANGES: EmmettHooks = {
  onBeforeSchemaCreated: createAccounts,
  async onBeforeCommit(messages, { connection }) {
    for (const { metadata } of messages) await connection.command(COUNT_CHANGE, [metadata.streamName]);
  },
};

async function createAccounts({ connection }: { readonly connection: EmmettConnection }): Promise<void> {
  await connection.command(CREATE_ACCOUNTS);
}

async function openTransactingEmmett(path: string, _durability: Durability): Promise<TransactingStore> {
  const store = await openStore(path, COUNT_CHANGES);
  // It reads from a version on, and not from the end.
  const versions = new Map<string, number>();
  return {
    async transact(account, { type, data, metadata }) {
      const version = versions.get(account) ?? 0;
      if (version > 0) await store.readStream(account, { from: BigInt(version) });
      const expectedStreamVersion = version === 0 ? "STREAM_DOES_NOT_EXIST" : BigInt(version);
      await store.appendToStream(account, [{ type, data, metadata }], { expectedStreamVersion });
      versions.set(account, version + 1);
    },
    close: () => undefined,
  };
}

async function watchEmmett(path: string, _durability: Durability, listener: (number: number) => void) {
  const store = await openStore(path);
  const consumer = store.consumer();
  consumer.processor(processorOf(listener));
  return watchOverEmmett(store, consumer, () => undefined);
}
