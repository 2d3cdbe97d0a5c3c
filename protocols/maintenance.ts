import type { StreamFactory } from "./stream-factory.js";

/** A store that can be checked for damage and copied while it is in use. */
export interface MaintainableStreamFactory extends StreamFactory {
  /**
   * Reads the whole store and reports what is damaged: every event against its checksum where it has one, the versions
   * of every stream and the positions of the store for gaps, the head, every snapshot, every record, the tables and their
   * indexes.
   *
   * It changes nothing, and reads and writes go on meanwhile. Events that are appended after it began are not checked. `ok`
   * means that the store contains what was written, as far as it has checksums. Memory stays constant: events are read in
   * pages, and at most `MAX_VERIFY_PROBLEMS` problems are listed. SQLite's own check is one statement, which cannot be
   * interrupted. Over PostgreSQL, tables and indexes are the server's to check.
   *
   * @throws InvalidArgumentError when an option is unknown or invalid.
   * @throws StorageError when the store cannot be read at all; damage is reported, not thrown.
   * @throws the signal's reason when it is aborted; checked between two statements.
   * @throws StreamClosedError when the factory is, or gets, disposed.
   *
   * @example
   * ```ts
   * const { ok, checkedEvents, problems } = await streams.verify();
   * if (!ok) console.error(`${problems.length} problems in ${checkedEvents} events`, problems);
   * ```
   */
  verify(options?: VerifyOptions): Promise<VerifyReport>;

  /**
   * Copies the store into a new file while reading and writing go on: a SQLite store, also where the store is in PostgreSQL. From
   * there the application's tables are not copied.
   *
   * The copy is the store as it was at one position: every event up to the last one when the copy began, and the snapshots and
   * the application's tables as they were then, with their indexes, views and triggers. It gets the name `path` when it is
   * complete and flushed to the disk. A backup that fails or is aborted leaves no file. A killed process leaves one named
   * `<path>.partial-<id>`, which you may delete. Open a copy like any store. Checksums are not compared: `verify` the copy.
   *
   * @param path - a file that does not exist, in a folder that does. Names that belong to another database there, such
   * as `bank.db-wal` beside `bank.db`, are invalid, and so are those over 230 bytes.
   * @throws InvalidArgumentError when the path or an option is invalid.
   * @throws StorageError `STORAGE_TARGET_EXISTS` when the file already exists; `STORAGE_UNSUPPORTED` when there are tables of the
   * application that cannot be copied, unless `tables` is `"none"`; `STORAGE_CORRUPT` when events are missing in
   * the store (`verify` says which); `STORAGE_FOLDER_MISSING`, `STORAGE_PERMISSION_DENIED`, `STORAGE_FULL` or
   * `STORAGE_IO` when the copy cannot be made there; `STORAGE_FAILED` when SQLite cannot make one of the application's
   * tables, indexes, views or triggers, which the message names: it may need a function that only the application has;
   * `STORAGE_UNSUPPORTED` where the store makes no copies.
   * @throws the signal's reason when it is aborted before the copy has its name.
   * @throws StreamClosedError when the factory is, or gets, disposed.
   *
   * @example
   * ```ts
   * await streams.backup(`backups/bank-${new Date().toISOString().slice(0, 10)}.db`);
   * ```
   */
  backup(path: string | URL, options?: BackupOptions): Promise<BackupReport>;
}

/** Checks and copies a store: the part of an adapter that only some have. */
export type StoreMaintenance = Pick<MaintainableStreamFactory, "verify" | "backup">;

/** The options of {@link MaintainableStreamFactory.verify}. */
export interface VerifyOptions {
  /** Called after each page of at most 1,024 events. An error that it throws ends the check. */
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
  /** Ends the check: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** The progress of a check. */
export interface VerifyProgress {
  /** How many events have been checked so far. */
  readonly checkedEvents: number;
  /** The last position that was stored when the check began; in a store without gaps the number of its events. */
  readonly totalEvents: number;
}

/** The result of a check. */
export interface VerifyReport {
  /** Whether there is no problem. */
  readonly ok: boolean;
  /** How many events were read, and compared with their checksums if they have one. */
  readonly checkedEvents: number;
  /** How many tables the application has in the store. Only SQLite's own check covers them: their pages and indexes. */
  readonly applicationTables: number;
  /** In the order in which they were found; the first `MAX_VERIFY_PROBLEMS` of them. */
  readonly problems: readonly VerifyProblem[];
}

/**
 * The kind of damage.
 *
 * - `"checksum"`: an event changed.
 * - `"gap"`: a version of a stream or a position of the store is missing, or a version is there although it was removed.
 * - `"head"`: the store ends before or after its counter, has fewer or more events than it and the removals say, or lacks an event that the file `<database>-head` records as
 *   acknowledged.
 * - `"snapshot"`: a snapshot changed, does not decompress, or names a version that does not exist.
 * - `"record"`: the value of a record is not the JSON object that was stored, or a revision would come again. Records are also
 *   the metadata of streams, the checkpoints of consumers and projections, and what `migrate` has run.
 * - `"schema"`: a table, an index or a trigger of the library is missing or changed, or another program created an object whose
 *   name begins with `es_`, or one on a table of the library.
 * - `"structure"`: SQLite's own check of pages, rows and indexes failed.
 * - `"unreadable"`: SQLite, or the server, could not read a part of the store.
 */
export type VerifyProblemKind =
  | "checksum"
  | "gap"
  | "head"
  | "snapshot"
  | "record"
  | "schema"
  | "structure"
  | "unreadable";

/** A problem that a check found. */
export interface VerifyProblem {
  /** The kind of damage. */
  readonly kind: VerifyProblemKind;
  /** The stream of the damaged event, snapshot or metadata, if known. */
  readonly streamId?: string;
  /** The version of the damaged or missing event or snapshot, if known. */
  readonly version?: number;
  /** Its position in the store, if known. */
  readonly position?: number;
  /** What was expected and what was found, for people. */
  readonly detail: string;
}

/** The options of {@link MaintainableStreamFactory.backup}. */
export interface BackupOptions {
  /**
   * Which of the application's tables are copied, with their indexes, views and triggers. `"projections-excluded"` leaves out
   * those of projections, which can make them again from the copy's events, with their checkpoints. `"none"` leaves out all.
   * Default `"all"`.
   */
  readonly tables?: "all" | "projections-excluded" | "none" | undefined;
  /** Called after each step of at most 4,096 events. An error that it throws ends the backup. */
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
  /** Ends the backup: it rejects with the signal's reason and leaves no file. */
  readonly signal?: AbortSignal | undefined;
}

/** The progress of a backup. */
export interface BackupProgress {
  /** How many events are in the copy so far. */
  readonly copiedEvents: number;
  /** How many events the copy will have. */
  readonly totalEvents: number;
}

/** The result of a backup. */
export interface BackupReport {
  /** The absolute path of the copy. */
  readonly path: string;
  /** How many events are in the copy. */
  readonly events: number;
  /** The last position in the copy. */
  readonly position: number;
  /** The application's tables in the copy, by name. The tables that store a virtual table's content count as that table. */
  readonly tables: readonly CopiedTable[];
}

/** A table that was copied. */
export interface CopiedTable {
  /** Its name, as in the store. */
  readonly name: string;
  /** How many rows were copied. */
  readonly rows: number;
}
