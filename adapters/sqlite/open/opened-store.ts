import type { SQLiteConnection } from "../drivers/driver.js";
import type { AcknowledgedPositionFile } from "../maintenance/acknowledged-position-file.js";
import type { LendConnection } from "../maintenance/maintenance-session.js";
import type { ReadConnections } from "../read/read-pool.js";
import type { WalCheckpointer } from "../transaction/wal-checkpointer.js";
import type { Writer } from "../transaction/writer.js";
import type { OpenFiles } from "./open-files.js";

/** A database that was opened for a store. All that differs with where it is, and whether it may be written, is here. */
export interface OpenedStore {
  /** Undefined where the store was opened to be read only. */
  readonly writing: OpenedForWriting | undefined;
  readonly reads: ReadConnections;
  /** Undefined for a database in memory. */
  readonly files: OpenFiles | undefined;
  /** Undefined for a database in memory. */
  readonly acknowledgedFile: AcknowledgedPositionFile | undefined;
  /** Opens another connection that reads. Undefined where no other process can write. */
  readonly openReader: (() => Promise<SQLiteConnection>) | undefined;
  /** Lends a connection for one check or backup. */
  readonly lend: LendConnection;
  /** Opens ahead what the first read needs. */
  prepareReads(): Promise<void>;
  /** Comes after all connections were closed. */
  release(): void;
}

export interface OpenedForWriting {
  readonly connection: SQLiteConnection;
  readonly writer: Writer;
  /** Undefined where there is no log to keep short. */
  readonly checkpointer: WalCheckpointer | undefined;
}
