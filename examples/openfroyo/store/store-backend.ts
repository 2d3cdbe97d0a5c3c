import type {
  AdministrableStreamFactory,
  BackupOptions,
  MaintainableStreamFactory,
  TransactionalStreamFactory,
} from "async-streams";

/** What a store needs of the library: any backend with tables will do. */
export type Streams = TransactionalStreamFactory & AdministrableStreamFactory & MaintainableStreamFactory;

/** Where a store is kept: a file, or a server. */
export interface StoreBackend {
  readonly dialect: "sqlite" | "postgresql";
  /** What of the application's tables a backup has. */
  readonly copiedTables: BackupOptions["tables"];
  open(now: () => number): Promise<Streams>;
  /** Puts a backup in the place of a store that nobody has open, and opens it. */
  restore(backupPath: string, now: () => number): Promise<Streams>;
}
