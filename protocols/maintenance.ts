import type { StreamFactory } from "./stream-factory.js";

/** A store that can be checked for damage and copied while it is in use. */
export interface MaintainableStreamFactory extends StreamFactory {
  /**
   * Reads the whole store and reports what is damaged: every event against its checksum where it has one, the versions
   * of every stream and the positions of the store for gaps, the head, every snapshot, the tables and their indexes.
   *
   * It changes nothing, and reads and writes go on meanwhile; what is appended after it has begun is not looked at. An
   * `ok` means that what is in the store is what was written, as far as it has checksums. Memory stays flat: events are
   * read in pages, and at most `MAX_VERIFY_PROBLEMS` problems are listed. SQLite's own check is one statement, which
   * cannot be interrupted.
   *
   * @throws InvalidArgumentError when an option is unknown or invalid.
   * @throws StorageError when the store cannot be read at all; damage is reported, not thrown.
   * @throws the signal's reason when it is aborted; asked between one statement and the next.
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
   * Copies the store into a new file while reading and writing go on.
   *
   * The copy is the store as it was at one position: every event up to the last one when the copy began, and the
   * snapshots and the application's tables as they were then, with their indexes, views and triggers. It has the name `path` only once it is complete and flushed to the disk; what
   * fails or is aborted leaves no file, and a process that is killed leaves one named `<path>.partial-<id>`, which may be
   * deleted. A copy is opened like any store. Checksums are not compared: `verify` the copy.
   *
   * @param path - a file that does not exist, in a folder that does. Names that belong to another database there, such
   * as `bank.db-wal` beside `bank.db`, are invalid, and so are those over 230 bytes.
   * @throws InvalidArgumentError when the path or an option is invalid.
   * @throws StorageError `STORAGE_TARGET_EXISTS` when there is a file already; `STORAGE_CORRUPT` when events are missing
   * in the store (`verify` tells which); `STORAGE_FOLDER_MISSING`, `STORAGE_PERMISSION_DENIED`, `STORAGE_FULL` or
   * `STORAGE_IO` when the copy cannot be made there; `STORAGE_FAILED` when SQLite cannot make one of the application's
   * tables, indexes, views or triggers, which the message names: it may need a function that only the application has.
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

/** How a store is checked. */
export interface VerifyOptions {
  /** Told of the progress after each page of at most 1,024 events. What it throws ends the check. */
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined;
  /** Ends the check: it rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a check is. */
export interface VerifyProgress {
  /** How many events have been read and compared so far. */
  readonly checkedEvents: number;
  /** The last position that was stored when the check began; in a store without gaps the number of its events. */
  readonly totalEvents: number;
}

/** What a check has found. */
export interface VerifyReport {
  /** Whether there is no problem. */
  readonly ok: boolean;
  /** How many events were read, and compared with their checksums where they have one. */
  readonly checkedEvents: number;
  /** How many tables the application has in the store. Their content is the application's; SQLite's own check covers their pages and indexes. */
  readonly applicationTables: number;
  /** In the order in which they were found; the first `MAX_VERIFY_PROBLEMS` of them. */
  readonly problems: readonly VerifyProblem[];
}

/**
 * What is damaged.
 *
 * - `"checksum"`: an event is not as it was written.
 * - `"gap"`: a version of a stream, or a position of the store, is missing.
 * - `"head"`: the store ends before or behind the place that it says it ends at, or the last event that was acknowledged
 *   (as the file `<database>-head` has it) is not there.
 * - `"snapshot"`: a snapshot is not as it was written, does not decompress, or names a version that is not there.
 * - `"schema"`: a table, an index or a trigger of the library is missing or was changed, or something has a name that
 *   begins with `es_`, or is on a table of the library, that the library did not make.
 * - `"structure"`: SQLite's own check of pages, rows and indexes found something.
 * - `"unreadable"`: SQLite could not read a place at all.
 */
export type VerifyProblemKind = "checksum" | "gap" | "head" | "snapshot" | "schema" | "structure" | "unreadable";

/** One thing that is damaged, and where. */
export interface VerifyProblem {
  /** What kind of damage it is. */
  readonly kind: VerifyProblemKind;
  /** The stream of what is damaged, where it is known. */
  readonly streamId?: string;
  /** The version of the damaged or missing event or snapshot in its stream, where it is known. */
  readonly version?: number;
  /** Its position in the store, where it is known. */
  readonly position?: number;
  /** What was expected and what was found, for people. */
  readonly detail: string;
}

/** How a store is copied. */
export interface BackupOptions {
  /** Which of the application's tables are copied, with their indexes, views and triggers. Default `"all"`. */
  readonly tables?: "all" | "none" | undefined;
  /** Told of the progress after each step of at most 4,096 events. What it throws ends the backup. */
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined;
  /** Ends the backup: it rejects with the signal's reason and leaves no file. */
  readonly signal?: AbortSignal | undefined;
}

/** How far a backup is. */
export interface BackupProgress {
  /** How many events are in the copy so far. */
  readonly copiedEvents: number;
  /** How many events the copy is going to have. */
  readonly totalEvents: number;
}

/** What a backup holds. */
export interface BackupReport {
  /** The absolute path of the copy. */
  readonly path: string;
  /** How many events are in the copy. */
  readonly events: number;
  /** The last position that is in the copy. */
  readonly position: number;
  /** The application's tables that are in the copy, by name. Content of a virtual table counts as that table's. */
  readonly tables: readonly CopiedTable[];
}

/** A table that was copied. */
export interface CopiedTable {
  readonly name: string;
  readonly rows: number;
}
