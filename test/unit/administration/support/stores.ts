import { stat } from "node:fs/promises";
import { openPostgresBackend } from "../../../../adapters/postgres/postgres-stream-factory.js";
import { openSQLiteBackend, sqliteStreamFactory } from "../../../../adapters/sqlite/index.js";
import { postgresStreamFactory } from "../../../../postgres.js";
import type {
  AdministrableStorage,
  AdministrableStreamFactory,
  MaintainableStreamFactory,
  StreamBackend,
  TransactionalStorage,
  TransactionalStreamFactory,
} from "../../../../protocols/index.js";
import { NO_POSTGRES, THROWAWAY } from "../../../support/postgres-server.js";
import { ownSchemas, sharedServer } from "../../../support/postgres-stores.js";
import { DRIVER_NAMES, DRIVERS, type DriverName } from "../../../support/sqlite-drivers.js";
import { createTempDir } from "../../../support/temp-dir.js";

export type Streams = TransactionalStreamFactory & AdministrableStreamFactory & MaintainableStreamFactory;

/** A store that is opened several times. Two factories over it are as two processes: neither knows what the other does. */
export interface SharedStore extends AsyncDisposable {
  open(): Promise<Streams>;
  openBackend(): Promise<StreamBackend<AdministrableStorage & TransactionalStorage>>;
  /** How large it is. */
  usedBytes(): Promise<number>;
}

async function inFile(driver: DriverName): Promise<SharedStore> {
  const folder = await createTempDir();
  const path = folder.file("store.db");
  return {
    open: () => sqliteStreamFactory(path, { driver }),
    openBackend: () => openSQLiteBackend(path, {}, DRIVERS[driver]),
    usedBytes: async () => (await stat(path)).size,
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

/** Stores that several processes may have open: a file through each driver, and a server where there is one. */
export const SHARED_STORES: [string, () => Promise<SharedStore>][] = DRIVER_NAMES.map((driver) => [
  `SQLite through ${driver}`,
  () => inFile(driver),
]);
if (NO_POSTGRES === null) {
  const server = sharedServer(THROWAWAY);
  SHARED_STORES.push([
    "PostgreSQL",
    async () => {
      const url = (await server()).url();
      const options = { ...ownSchemas(), durability: "normal" } as const;
      return {
        open: () => postgresStreamFactory(url, options),
        openBackend: () => openPostgresBackend(url, options),
        usedBytes: async () => {
          const { rows } = await (await server()).query(
            "SELECT sum(pg_total_relation_size(oid))::int AS bytes FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r'",
            [options.schema],
          );
          return rows[0].bytes;
        },
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
  ]);
}

/** Opens a store of its own, which nobody else opens. */
export type OpenStore = () => Promise<Streams>;

/** Stores that one process has open: SQLite in memory through each driver, and a server where there is one. */
export const OWN_STORES: [string, OpenStore][] = [
  ...DRIVER_NAMES.map((driver): [string, OpenStore] => [
    `SQLite through ${driver}`,
    () => sqliteStreamFactory(":memory:", { driver }),
  ]),
  ...SHARED_STORES.filter(([name]) => name === "PostgreSQL").map(([name, make]): [string, OpenStore] => [
    name,
    async () => (await make()).open(),
  ]),
];
