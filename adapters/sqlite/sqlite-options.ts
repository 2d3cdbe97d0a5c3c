import { checkOptions, invalidArgument, type OptionNames } from "../../src/validate/check-arguments.js";
import { checkClock } from "../../src/validate/check-clock.js";
import { describeValue } from "../../src/validate/json-text.js";
import { DRIVERS, type DriverName } from "./drivers/choose-driver.js";

/** The options of `sqliteStreamFactory`. */
export interface SQLiteOptions {
  /**
   * What brings SQLite, and the thread that it works on. `"sqlite3"`: a package that is installed with this one unless
   * optional dependencies are left out; it works on libuv's thread pool, so that the database never blocks the event
   * loop. `"node:sqlite"`: part of Node 22.22.3, 24.15.0, 26 and later; it works on the main thread, needs no native
   * package, and is faster for small appends and reads. `"better-sqlite3"`: a package that you install; it works on the
   * main thread too. A process uses a file through one of them at a time, in all of its threads; another one is refused
   * with `STORAGE_DRIVER_CONFLICT`. A driver that is not there, or whose SQLite is older than 3.51.3, is refused with
   * `STORAGE_DRIVER_UNSUPPORTED`. Default `"sqlite3"`, and `"node:sqlite"` where `sqlite3` is not installed.
   */
  readonly driver?: DriverName | undefined;
  /**
   * What may be done with the file. `"create"`: read and write, and make a store where there is none. `"existing"`: read
   * and write; where there is none, opening fails with `STORAGE_NOT_FOUND` and nothing is made. `"readonly"`: read; each
   * write fails with `STORAGE_READ_ONLY`, and SQLite itself changes no byte of the store, though it may make the files
   * `-shm` and an empty `-wal` beside it, in a folder where it may. Watches poll, and `verify` and `backup` work.
   * `":memory:"` takes only `"create"`. Default `"create"`.
   */
  readonly mode?: "create" | "existing" | "readonly" | undefined;
  /**
   * What an acknowledged write survives. `"full"`: also a power cut and a crash of the operating system
   * (`synchronous=FULL`). `"normal"`: a crash of the process, while a power cut may take the newest commits
   * (`synchronous=NORMAL`). Neither ever leaves part of a write. Default `"full"`.
   */
  readonly durability?: "full" | "normal" | undefined;
  /**
   * Whether each event is stored with a checksum, and the last one that was acknowledged is kept in `<path>-head`, for
   * `verify` to compare. `true` costs 3 to 17 % of the rate of writes over `"sqlite3"` and 5 to 22 % over
   * `"better-sqlite3"`, large batches most: `npm run bench -- --workload W1,W2,W2u,W3 --durability normal --rounds 7
   * --subject floor,library,library-unchecked,library-better,library-better-unchecked`. With `false`, `verify` does not
   * notice what SQLite does not see itself: an event that has changed, or a log that was cut. It finds everything else as
   * before, and snapshots have their checksums all the same. It is about what this factory writes: a store may be written
   * with and without, and `verify` compares every checksum that is there. Default `true`.
   */
  readonly checksums?: boolean | undefined;
  /**
   * How many connections read at the same time. All but the first are opened when they are needed. 1 to 64, default 3.
   */
  readonly readPoolSize?: number | undefined;
  /**
   * How long a call waits for locks that other processes hold, in milliseconds, before it fails with `STORAGE_LOCKED`.
   * What counts is the time since the call was made during which this store waited for the lock, for this call or for
   * one before it. A long queue or a slow disk does not count. A disposal waits no longer than the calls that it lets
   * finish. 0 or more, default 5,000; 0 tries once.
   */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * How often watchers ask at least whether another process has written, in milliseconds; where the file system tells
   * of writes they ask at once. This process's own writes reach its watchers without being asked for, and without
   * watchers there is no polling. 1 or more, default 100.
   */
  readonly pollIntervalMs?: number | undefined;
  /** The page cache of each connection, in KiB. 64 or more, default 16,384. */
  readonly cacheSizeKiB?: number | undefined;
  /**
   * The clock of the timestamps of events and snapshots, for tests: returns milliseconds since 1970. Nothing else goes by
   * it. Default `Date.now`.
   */
  readonly now?: (() => number) | undefined;
}

/** {@link SQLiteOptions}, checked and complete. */
export interface SQLiteSettings {
  /** Absent where none was named. */
  readonly driver: DriverName | undefined;
  readonly mode: "create" | "existing" | "readonly";
  readonly durability: "full" | "normal";
  readonly checksums: boolean;
  readonly readPoolSize: number;
  readonly busyTimeoutMs: number;
  readonly pollIntervalMs: number;
  readonly cacheSizeKiB: number;
  readonly now: () => number;
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
  now: true,
};

/** @throws InvalidArgumentError */
export function parseSQLiteOptions(options: SQLiteOptions = {}): SQLiteSettings {
  checkOptions(options, OPTIONS);
  const { driver, mode = "create", durability = "full", checksums = true } = options;
  if (driver !== undefined && !Object.hasOwn(DRIVERS, driver)) {
    const names = Object.keys(DRIVERS).map((name) => `"${name}"`);
    throw invalidArgument("driver", `expected ${names.join(" or ")}, got ${describeValue(driver)}`);
  }
  if (mode !== "create" && mode !== "existing" && mode !== "readonly") {
    throw invalidArgument("mode", `expected "create", "existing" or "readonly", got ${describeValue(mode)}`);
  }
  if (durability !== "full" && durability !== "normal") {
    throw invalidArgument("durability", `expected "full" or "normal", got ${describeValue(durability)}`);
  }
  if (typeof checksums !== "boolean") {
    throw invalidArgument("checksums", `expected true or false, got ${describeValue(checksums)}`);
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
    now: checkClock(options.now),
  };
}

function wholeNumber(name: keyof SQLiteSettings, value: unknown, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalidArgument(name, `expected a whole number from ${least} to ${most}, got ${describeValue(value)}`);
}
