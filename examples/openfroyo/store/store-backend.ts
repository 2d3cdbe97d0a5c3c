import type {
  AdministrableStreamFactory,
  BackupOptions,
  BackupReport,
  MaintainableStreamFactory,
  TransactionalStreamFactory,
} from "async-streams";

/** What a store needs of the library: any backend with tables will do. */
export type Streams = TransactionalStreamFactory & AdministrableStreamFactory & MaintainableStreamFactory;

/** Where a store is kept: a file, or a server. */
export interface StoreBackend {
  readonly dialect: "sqlite" | "postgresql";
  open(now: () => number): Promise<Streams>;
  /** Copies an open store with all of its tables into a new file. */
  backup(streams: Streams, path: string, options: BackupOptions): Promise<BackupReport>;
  /** Puts a backup in the place of a store that nobody has open, and opens it. */
  restore(backupPath: string, now: () => number): Promise<Streams>;
}
