import { checkOptions, invalidArgument, type OptionNames } from "../../src/validate/check-arguments.js";
import { checkClock } from "../../src/validate/check-clock.js";
import { describeValue } from "../../src/validate/json-text.js";
import { DRIVERS, type DriverName } from "./drivers/choose-driver.js";
import type { FieldIndex, IndexField } from "./indexes/field-index.js";
import { parseIndexes } from "./indexes/parse-indexes.js";
import type { IndexProgress } from "./indexes/update-indexes.js";

/** The options of `sqliteStreamFactory`. */
export interface SQLiteOptions {
  /**
   * The SQLite driver. Default `"sqlite3"`, or `"node:sqlite"` if `sqlite3` is not installed.
   *
   * - `"sqlite3"`: a package that is installed with this one, unless you omit optional dependencies. It runs on libuv's thread
   *   pool, so the database never blocks the event loop.
   * - `"node:sqlite"`: part of Node 22.22.3, 24.15.0, 26 and later. It runs on the main thread, needs no native package, and is
   *   faster for small appends and reads.
   * - `"better-sqlite3"`: a package that you install. It runs on the main thread too.
   *
   * All threads of a process must use the same driver for a file: another one is refused with `STORAGE_DRIVER_CONFLICT`. A
   * missing driver, or one whose SQLite is older than 3.51.3, is refused with `STORAGE_DRIVER_UNSUPPORTED`.
   */
  readonly driver?: DriverName | undefined;
  /**
   * What the store may do with the file. Default `"create"`. `":memory:"` accepts only `"create"`.
   *
   * - `"create"`: reads and writes, and creates a store if there is none.
   * - `"existing"`: reads and writes. If there is no store, opening fails with `STORAGE_NOT_FOUND` and creates nothing.
   * - `"readonly"`: reads. Each write fails with `STORAGE_READ_ONLY`, and SQLite itself changes no byte of the store. It may
   *   create the file `-shm` and an empty `-wal` beside it, so that the folder must be writable unless both exist. Watches
   *   poll, and `verify` and `backup` work.
   */
  readonly mode?: "create" | "existing" | "readonly" | undefined;
  /**
   * What an acknowledged write survives. With `"full"` (`synchronous=FULL`) it survives a crash of the process or of the
   * operating system, and a power cut. With `"normal"` (`synchronous=NORMAL`) it survives a crash of the process, but a power
   * cut may lose the newest commits. Neither ever leaves a part of a write. Default `"full"`.
   */
  readonly durability?: "full" | "normal" | undefined;
  /**
   * Whether events are stored with a checksum, and the last acknowledged position is recorded in `<path>-head`, for `verify`.
   * Default `true`.
   *
   * Checksums cost 3 to 17 % of the rate of writes with `"sqlite3"`, and 5 to 22 % with `"better-sqlite3"`, most for large
   * batches. With `false`, `verify` does not notice changed events or a truncated log. It still finds other damage, and
   * snapshots always have a checksum. The option applies to what this factory writes: a store may contain events with and
   * without checksums, and `verify` compares every one that exists.
   */
  readonly checksums?: boolean | undefined;
  /**
   * How many connections read at the same time. All but the first are opened on demand. 1 to 64, default 3.
   */
  readonly readPoolSize?: number | undefined;
  /**
   * How long a call waits for locks of other processes, in milliseconds, before it fails with `STORAGE_LOCKED`. Only the time
   * counts in which this store waits for the lock, for this call or for an earlier one. A long queue or a slow disk does not
   * count. A disposal waits no longer than the calls that it lets finish. 0 or more, default 5,000; 0 tries once.
   */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * How often the library polls the database for writes of other processes, in milliseconds, while there are watchers. Where
   * the file system reports writes, it polls at once. Writes of this process reach its watchers directly. 1 or more, default
   * 100.
   */
  readonly pollIntervalMs?: number | undefined;
  /** The page cache of each connection, in KiB. 64 or more, default 16,384. */
  readonly cacheSizeKiB?: number | undefined;
  /**
   * The filter fields that the store has an index of, such as `["type", "metadata.correlationId"]`. At most 16. Default `[]`.
   *
   * With a clause `=` or `in` on such a field, a read or watch costs what it finds and not what is stored. Each field adds to
   * the cost of every append. Opening a store for writing builds the indexes that are missing, and drops those that are no
   * longer named. Other writers wait while an index is built. With `"readonly"`, the option says which indexes to use.
   */
  readonly indexes?: readonly IndexField[] | undefined;
  /**
   * Called while the store is opened, before and after an index is built, and after one was dropped. What it throws is what the
   * opening rejects with. Default: nothing.
   */
  readonly onProgress?: ((progress: IndexProgress) => void) | undefined;
  /**
   * The clock of the timestamps of events and snapshots, for tests. It returns milliseconds since 1970, and is used for
   * nothing else. Default `Date.now`.
   */
  readonly now?: (() => number) | undefined;
  /**
   * Whether calls that a transaction's callback makes past its `tx` are refused at once, with `TRANSACTION_MISUSE`. Use it in
   * tests: before Node 24 it makes every `await` of the process slower, and without it `timeoutMs` ends such a transaction.
   * Default: `true` from Node 24 on, `false` before.
   */
  readonly findMisuse?: boolean | undefined;
}

/** {@link SQLiteOptions}, checked and complete. */
export interface SQLiteSettings {
  /** Absent if the caller named none. */
  readonly driver: DriverName | undefined;
  readonly mode: "create" | "existing" | "readonly";
  readonly durability: "full" | "normal";
  readonly checksums: boolean;
  readonly readPoolSize: number;
  readonly busyTimeoutMs: number;
  readonly pollIntervalMs: number;
  readonly cacheSizeKiB: number;
  readonly indexes: readonly FieldIndex[];
  readonly onProgress: ((progress: IndexProgress) => void) | undefined;
  readonly now: () => number;
  readonly findMisuse: boolean | undefined;
}

const OPTIONS: OptionNames<SQLiteOptions> = {
  driver: true,
  mode: true,
  durability: true,
  checksums: true,
  readPoolSize: true,
  busyTimeoutMs: true,
  pollIntervalMs: true,
  cacheSizeKiB: true,
  indexes: true,
  onProgress: true,
  now: true,
  findMisuse: true,
};

/** @throws InvalidArgumentError */
export function parseSQLiteOptions(options: SQLiteOptions = {}): SQLiteSettings {
  checkOptions(options, OPTIONS);
  const { driver, mode = "create", durability = "full", checksums = true, findMisuse } = options;
  const { indexes = [], onProgress } = options;
  if (driver !== undefined && (typeof driver !== "string" || !Object.hasOwn(DRIVERS, driver))) {
    const names = Object.keys(DRIVERS).map((name) => `"${name}"`);
    throw invalidArgument("driver", `expected ${names.join(" or ")}, got ${describeValue(driver)}`);
  }
  if (mode !== "create" && mode !== "existing" && mode !== "readonly") {
    throw invalidArgument("mode", `expected "create", "existing" or "readonly", got ${describeValue(mode)}`);
  }
  if (durability !== "full" && durability !== "normal") {
    throw invalidArgument("durability", `expected "full" or "normal", got ${describeValue(durability)}`);
  }
  checkFlag("checksums", checksums);
  if (findMisuse !== undefined) checkFlag("findMisuse", findMisuse);
  if (onProgress !== undefined && typeof onProgress !== "function") {
    throw invalidArgument("onProgress", `expected a function, got ${describeValue(onProgress)}`);
  }
  return {
    driver,
    mode,
    durability,
    checksums,
    readPoolSize: wholeNumber("readPoolSize", options.readPoolSize ?? 3, 1, 64),
    busyTimeoutMs: wholeNumber("busyTimeoutMs", options.busyTimeoutMs ?? 5_000, 0, 2 ** 31 - 1),
    pollIntervalMs: wholeNumber("pollIntervalMs", options.pollIntervalMs ?? 100, 1, 2 ** 31 - 1),
    cacheSizeKiB: wholeNumber("cacheSizeKiB", options.cacheSizeKiB ?? 16_384, 64, 2 ** 31 - 1),
    indexes: parseIndexes(indexes),
    onProgress,
    now: checkClock(options.now),
    findMisuse,
  };
}

function checkFlag(name: keyof SQLiteSettings, value: unknown): void {
  if (typeof value !== "boolean") throw invalidArgument(name, `expected true or false, got ${describeValue(value)}`);
}

function wholeNumber(name: keyof SQLiteSettings, value: unknown, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalidArgument(name, `expected a whole number from ${least} to ${most}, got ${describeValue(value)}`);
}
