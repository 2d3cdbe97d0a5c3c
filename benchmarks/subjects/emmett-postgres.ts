import type { Durability, Subject } from "../subject.js";
import {
  type EmmettConsumer,
  type EmmettProcessor,
  type EmmettStore,
  processorOf,
  storeOverEmmett,
  watchOverEmmett,
} from "./emmett-store.js";
import { importPeer, whyPeerIsMissing } from "./import-peer.js";
import { POSTGRES_SETTINGS, whyServerIsMissing, withDurability } from "./postgres-durability.js";

const PACKAGE = "@event-driven-io/emmett-postgresql";

/** Emmett's store over PostgreSQL, as its documentation opens it: with a pool of `pg`. */
export const emmettPostgres: Subject = {
  name: "emmett-postgresql",
  format: "emmett-postgresql",
  settings: POSTGRES_SETTINGS,
  only: ["P1", "P2", "P3", "P4", "P5", "P6", "P7"],
  needsServer: true,
  isPeer: true,
  packages: [PACKAGE, "@event-driven-io/emmett", "pg"],
  whyMissing: async () => (await whyServerIsMissing()) ?? whyPeerIsMissing(PACKAGE),
  async open(url, durability) {
    const store = await openStore(url, durability);
    return storeOverEmmett(store, () => store.close());
  },
  async openWatched(url, durability, listener) {
    const store = await openStore(url, durability);
    const consumer = store.consumer();
    consumer.reactor(processorOf(listener));
    return watchOverEmmett(store, consumer, () => store.close());
  },
};

interface EmmettPostgresModule {
  getPostgreSQLEventStore(connectionString: string): EmmettPostgresStore;
}

interface EmmettPostgresStore extends EmmettStore {
  consumer(): EmmettConsumer & { reactor(processor: EmmettProcessor): void };
  close(): Promise<void>;
}

async function openStore(url: string, durability: Durability): Promise<EmmettPostgresStore> {
  const { getPostgreSQLEventStore } = await importPeer<EmmettPostgresModule>(PACKAGE);
  const store = getPostgreSQLEventStore(withDurability(url, durability));
  await store.schema.migrate();
  return store;
}
