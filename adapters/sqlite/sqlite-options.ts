import { checkOptions, invalidArgument } from "../../src/check-arguments.js";
import { describeValue } from "../../src/json-text.js";

/** The options of `sqliteStreamFactory`. */
export interface SQLiteOptions {
  /**
   * What an acknowledged write survives. `"full"`: also a power cut and a crash of the operating system
   * (`synchronous=FULL`). `"normal"`: a crash of the process, while a power cut may take the newest commits
   * (`synchronous=NORMAL`). Neither ever leaves part of a write. Default `"full"`.
   */
  readonly durability?: "full" | "normal" | undefined;
  /** How many connections read at the same time. They are opened when they are needed. 1 to 64, default 3. */
  readonly readPoolSize?: number | undefined;
  /**
   * How long a call waits for a lock that another process holds, in milliseconds, before it fails with
   * `STORAGE_LOCKED`. 0 or more, default 5,000.
   */
  readonly busyTimeoutMs?: number | undefined;
  /**
   * How often watchers ask whether another process has written, in milliseconds. This process's own writes reach its
   * watchers at once, and without watchers there is no polling. 1 or more, default 10.
   */
  readonly pollIntervalMs?: number | undefined;
  /** The page cache of each connection, in KiB. 64 or more, default 16,384. */
  readonly cacheSizeKiB?: number | undefined;
}

/** {@link SQLiteOptions}, checked and complete. */
export interface SQLiteSettings {
  readonly durability: "full" | "normal";
  readonly readPoolSize: number;
  readonly busyTimeoutMs: number;
  readonly pollIntervalMs: number;
  readonly cacheSizeKiB: number;
}

const KNOWN_OPTIONS: readonly (keyof SQLiteSettings)[] = [
  "durability",
  "readPoolSize",
  "busyTimeoutMs",
  "pollIntervalMs",
  "cacheSizeKiB",
];

/** @throws InvalidArgumentError */
export function parseSQLiteOptions(options: SQLiteOptions = {}): SQLiteSettings {
  checkOptions(options);
  for (const name of Object.keys(options)) {
    if ((KNOWN_OPTIONS as readonly string[]).includes(name)) continue;
    throw invalidArgument(name, `there is no such option; use ${KNOWN_OPTIONS.join(", ")}`);
  }
  const { durability = "full" } = options;
  if (durability !== "full" && durability !== "normal") {
    throw invalidArgument("durability", `expected "full" or "normal", got ${describeValue(durability)}`);
  }
  return {
    durability,
    readPoolSize: wholeNumber("readPoolSize", options.readPoolSize ?? 3, 1, 64),
    busyTimeoutMs: wholeNumber("busyTimeoutMs", options.busyTimeoutMs ?? 5_000, 0, 2 ** 31 - 1),
    pollIntervalMs: wholeNumber("pollIntervalMs", options.pollIntervalMs ?? 10, 1, 2 ** 31 - 1),
    cacheSizeKiB: wholeNumber("cacheSizeKiB", options.cacheSizeKiB ?? 16_384, 64, 2 ** 31 - 1),
  };
}

function wholeNumber(name: keyof SQLiteSettings, value: unknown, least: number, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
  throw invalidArgument(name, `expected a whole number from ${least} to ${most}, got ${describeValue(value)}`);
}
