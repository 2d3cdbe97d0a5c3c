import type { BlobStore } from "async-streams/blobs";
import type { SlowQuery } from "./watchdog.js";

/** What a store in a file and one on a server have in common. */
interface CommonConfig {
  /**
   * Connections at most: one writes, the others read. Default: the library's own. They are opened when they are needed, and
   * stay open.
   */
  readonly maxOpenConns?: number;
  /** Of no use here: a connection that was opened stays open, since closing it gains nothing. */
  readonly maxIdleConns?: number;
  /** Of no use here: connections do not age; one that is lost is replaced. */
  readonly connMaxLifetime?: number;
  /** What an acknowledged change survives: a power cut, or a crash of the process alone. Default `"full"`. */
  readonly durability?: "full" | "normal";
  /** The clock, in milliseconds since 1970. Default `Date.now`. */
  readonly now?: () => number;
  /** A statement that takes as long is reported. Default 100. */
  readonly slowQueryMs?: number;
  /** Default: a line on stderr. */
  readonly onSlowQuery?: (query: SlowQuery) => void;
  /** How often free space is given back. Default: never. */
  readonly vacuumIntervalMs?: number;
  /** Called when such a vacuum failed. Default: a line on stderr. */
  readonly onVacuumError?: (error: unknown) => void;
  /** Where the files of packages are kept. Default: beside the tables. */
  readonly artifacts?: BlobStore;
  /** The folder of the migrations. Default: the one beside this program. */
  readonly migrations?: URL;
}

/** The profile "solo": one file. */
export interface SqliteConfig extends CommonConfig {
  /** Default `./data/openfroyo.db`. Its folder is made. */
  readonly path?: string;
}

/** The profile "cluster": a PostgreSQL server, and its replica for reads of events. */
export interface PostgresConfig extends CommonConfig {
  /** `postgresql://user@host:5432/database` */
  readonly url: string;
  /** A hot standby. Reads of events go there. */
  readonly replica?: string;
  /** The schema of the event store, and that of the tables. Default: the library's own, and `public`. */
  readonly schema?: string;
  readonly applicationSchema?: string;
}

export type StoreConfig = SqliteConfig | PostgresConfig;
