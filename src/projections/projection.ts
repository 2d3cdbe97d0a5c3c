import type {
  EventFilter,
  EventShape,
  Records,
  SQL,
  SQLName,
  StoredEvent,
  Transaction,
} from "../../protocols/index.js";

/** A read model: tables that are a function of the events, and of nothing else. */
export interface Projection<E extends EventShape = EventShape> {
  /** Its name forever. Letters, digits and `_`, at most `MAX_PROJECTION_NAME_LENGTH`. */
  readonly name: string;
  /** Raise it with every change of `tables` or `project`: the new version is built beside the old one. Default 1. */
  readonly version?: number | undefined;
  /** The types that it wants; all others are skipped in storage. Default: all but the library's own (`@...`). */
  readonly types?: readonly E["type"][] | undefined;
  /** Only events for which every clause holds. It sees what is stored, and not what upcasts make of it. Default: all. */
  readonly filter?: EventFilter | undefined;
  /** Makes its tables and indexes, once for each version. Readers see each under its plain name, as a view of the live version. */
  tables?(context: ProjectionContext): Promise<void>;
  /** Takes a batch, never empty, in order. Runs in the transaction that moves the checkpoint. */
  project(events: readonly StoredEvent<E>[], context: ProjectionContext): Promise<void>;
}

/** What a projection works with. It has no `write` and no clock: whatever it does is done again by a rebuild. */
export interface ProjectionContext {
  /** The tables, in the transaction of the batch. */
  readonly sql: SQL;
  /**
   * The version's own table behind the plain name: `orders` is `orders__2`. A plain name has letters, digits and `_`, at most
   * `MAX_PROJECTION_NAME_LENGTH`. A name of more than 63 bytes is shortened, with a hash at its end.
   * Only for tables: make the name of an index of its table's, with `name(`${table("orders").name}_by_total`)`.
   */
  table(plainName: string): SQLName;
  /** The version's own records: a space of that name in another version, or in the application, is another space. */
  readonly records: Records;
}

/** Where a read model lives: the event store itself, a SQLite file of its own, or anything with such transactions. */
export interface ReadModelStore {
  /** Runs `work` in a transaction: all of it or nothing. */
  transaction<T>(work: (tx: Pick<Transaction, "sql" | "records">) => Promise<T>): Promise<T>;
}

/** The options of `runProjections`. */
export interface ProjectionOptions {
  /** Where the read models are. Default: the event store, if it is transactional. */
  readonly store?: ReadModelStore | undefined;
  /**
   * `"behind"`: follows the store. `"inline"`: runs in the transaction of each write of this process that stores events it
   * wants; what other processes have written meanwhile it takes first. Only in the event store itself. Default `"behind"`.
   */
  readonly mode?: "behind" | "inline" | undefined;
  /**
   * Most events of a transaction. Default 256, and 2,048 while it is more than 10,000 events behind, but fewer while a batch
   * holds the writer for more than 10 ms, or 5 while others write. While it is built and does not take twice as many events as are
   * written, a transaction has up to 64 such batches, of up to 2,048 events that take about half a second, for which all who
   * write wait. The transaction that shows a later version takes as many again, if the version before has them already.
   */
  readonly batchSize?: number | undefined;
  /** How long a process that is gone keeps others waiting, in milliseconds. Default 10,000. */
  readonly leaseMs?: number | undefined;
  /**
   * What happens when an event cannot be projected. `"stop"`: nothing past it is projected, and it is tried again after 1 s,
   * doubling to 60 s. `"park"`: it is set aside. Default `"stop"`.
   */
  readonly onError?: "stop" | "park" | undefined;
  /** Called with every change of a projection's state. */
  readonly onStatus?: ((status: ProjectionStatus) => void) | undefined;
  /** Stops the runner. */
  readonly signal?: AbortSignal | undefined;
}

/** How a projection does. */
export interface ProjectionStatus {
  /** Its name. */
  readonly name: string;
  /** The version that this process runs. */
  readonly version: number;
  /**
   * `"standby"`: another process runs it. `"building"`: it has not caught up yet. `"live"`: it has. `"stopped"`: the runner was
   * disposed of, or somebody has dropped the projection. `"failed"`: it is tried again later.
   */
  readonly state: "standby" | "building" | "live" | "stopped" | "failed";
  /** Everything up to here is in the read model. */
  readonly position: number;
  /** The last position of the store, as it was seen last. */
  readonly head: number;
  /** How many events were set aside. A rebuild tries them again. */
  readonly parked: number;
  /** What it fails at. */
  readonly error?: ProjectionFailure;
}

/**
 * An event that cannot be projected. Where no event is to blame, such as in an outage, `position` is that of the projection,
 * `streamId` is `@all` and `type` is empty.
 */
export interface ProjectionFailure {
  /** Its position. */
  readonly position: number;
  /** Its stream. */
  readonly streamId: string;
  /** Its type. */
  readonly type: string;
  /** What `project` threw. */
  readonly message: string;
}

/** What runs projections. Disposing of it stops them. */
export interface ProjectionRunner extends AsyncDisposable {
  /** How each projection does, in the order in which they were given. */
  status(): readonly ProjectionStatus[];
  /**
   * Builds the same version again beside itself, and swaps when it has caught up. Resolves after the swap, whichever process
   * does it. A version that is not live yet, since events were removed that it would need, is built with `missing: "skip"`. What
   * is built so is shown although the store went back behind what readers see.
   *
   * @throws EventsRemovedError when events were removed that it would need, unless `missing` is `"skip"`.
   * @throws StreamClosedError when the runner is disposed of before. Whoever runs the projection next goes on with the rebuild.
   */
  rebuild(name: string, options?: RebuildOptions): Promise<void>;
}

/** The options of {@link ProjectionRunner.rebuild}. */
export interface RebuildOptions {
  /** What happens when events were removed that it would need. Default `"refuse"`. */
  readonly missing?: "refuse" | "skip" | undefined;
  /** Gives up waiting. */
  readonly signal?: AbortSignal | undefined;
}
