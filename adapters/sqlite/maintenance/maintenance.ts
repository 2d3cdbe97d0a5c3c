import type {
  BackupOptions,
  BackupReport,
  StoreContents,
  StoreMaintenance,
  VerifyOptions,
  VerifyReport,
} from "../../../protocols/index.js";
import { type MaintenanceOptions, MaintenanceRuns } from "../../../src/adapter-kit/maintenance-runs.js";
import {
  checkFunction,
  checkOptions,
  checkSignal,
  invalidArgument,
  type OptionNames,
} from "../../../src/validate/check-arguments.js";
import { inAttempt } from "../../../src/validate/in-call.js";
import { describeValue } from "../../../src/validate/json-text.js";
import { pathText } from "../../../src/validate/path-text.js";
import { COPYING, SQLiteContents } from "../copy/sqlite-contents.js";
import type { SQLiteDriver } from "../drivers/driver.js";
import { IN_MEMORY, parseStorePath } from "../open/store-path.js";
import { sqliteCode, storageError } from "../sqlite-errors.js";
import type { AcknowledgedPositionFile } from "./acknowledged-position-file.js";
import { backupReadOnlyStore } from "./backup/backup-read-only.js";
import { backupStore } from "./backup/backup-store.js";
import { type LendConnection, type LentMode, MaintenanceSession } from "./maintenance-session.js";
import { verifyStore } from "./verify/verify-store.js";

/** The context of maintenance. */
export interface MaintenanceParts {
  readonly driver: SQLiteDriver;
  readonly location: string;
  readonly busyTimeoutMs: number;
  readonly lend: LendConnection;
  /** Whether the store was opened to be read only. */
  readonly isReadOnly: boolean;
  /** Absent for a database in memory. */
  readonly acknowledgedFile: AcknowledgedPositionFile | undefined;
}

const VERIFY_OPTIONS: OptionNames<VerifyOptions> = { onProgress: true, signal: true };
const BACKUP_OPTIONS: OptionNames<BackupOptions> = { tables: true, onProgress: true, signal: true };

/** Checks and backups of an open store. */
export class Maintenance implements StoreMaintenance, AsyncDisposable {
  readonly #parts: MaintenanceParts;
  readonly #runs: MaintenanceRuns;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
    this.#runs = new MaintenanceRuns(parts.location);
  }

  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    const { driver, acknowledgedFile, location } = this.#parts;
    const attempt = "verify the store";
    inAttempt(attempt, location, () => checkOptions(options, VERIFY_OPTIONS));
    return this.#run(attempt, "readonly", options, (session, own) =>
      verifyStore(session, driver, acknowledgedFile, own.noting(options.onProgress)),
    );
  }

  async backup(path: string | URL, options: BackupOptions = {}): Promise<BackupReport> {
    const { driver, isReadOnly, location } = this.#parts;
    const attempt = `${backupTo(path)} from the store`;
    inAttempt(attempt, location, () => checkBackupOptions(options));
    const target = () => inAttempt(attempt, location, () => parseTarget(path));
    const copy = isReadOnly ? backupReadOnlyStore : backupStore;
    return this.#run(attempt, isReadOnly ? "readonly" : "existing", options, (session, own) =>
      copy(session, driver, target(), { ...options, onProgress: own.noting(options.onProgress) }),
    );
  }

  async exportContents<T>(work: (contents: StoreContents) => Promise<T>): Promise<T> {
    return this.#run(COPYING, "readonly", {}, (session, own) =>
      session.atOneMoment((connection) =>
        own.of(() => work(new SQLiteContents(connection, this.#parts.location, session.assertWanted))),
      ),
    );
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#runs[Symbol.asyncDispose]();
  }

  async #run<T>(
    attempt: string,
    mode: LentMode,
    options: MaintenanceOptions,
    task: (session: MaintenanceSession, own: OwnErrors) => Promise<T>,
  ): Promise<T> {
    const { lend, busyTimeoutMs, location } = this.#parts;
    const own = new OwnErrors();
    try {
      return await this.#runs.run(attempt, options, (assertWanted) =>
        lend(mode, (use) =>
          task(new MaintenanceSession(location, use, busyTimeoutMs, own.asserting(assertWanted)), own),
        ),
      );
    } catch (error) {
      if (own.thrown !== undefined) throw own.thrown.error;
      // Where it was aborted before it began.
      const isReason = options.signal?.aborted && error === options.signal.reason;
      throw isReason || sqliteCode(error) === undefined ? error : storageError(error, attempt, location);
    }
  }
}

/** What a caller's own function throws, or its signal. It is no failure of the store, whatever it looks like. */
class OwnErrors {
  thrown: { readonly error: unknown } | undefined;

  noting<P>(onProgress: ((progress: P) => void) | undefined): ((progress: P) => void) | undefined {
    if (onProgress === undefined) return undefined;
    return (progress) => {
      try {
        onProgress(progress);
      } catch (error) {
        this.#throw(error);
      }
    };
  }

  /** Asserts that somebody wants the result. */
  asserting(assertWanted: () => void): () => void {
    return () => {
      try {
        assertWanted();
      } catch (error) {
        this.#throw(error);
      }
    };
  }

  /** Runs a function that says itself why the store fails it. */
  of<T>(run: () => Promise<T>): Promise<T> {
    return run().catch((error: unknown) => this.#throw(error));
  }

  #throw(error: unknown): never {
    this.thrown = { error };
    throw new Error("its caller has ended it");
  }
}

/** What a backup attempts, for a message. */
export function backupTo(path: string | URL): string {
  return `back up to ${pathText(path)}`;
}

/** @throws InvalidArgumentError when it is not the path of a file */
export function parseTarget(path: unknown): string {
  const isPath = path instanceof URL || (typeof path === "string" && path !== "");
  const target = isPath ? parseStorePath(path) : IN_MEMORY;
  if (target !== IN_MEMORY) return target;
  throw invalidArgument("path", `expected the path of a new file, got ${describeValue(path)}`);
}

const TABLES: readonly unknown[] = ["all", "projections-excluded", "none"] satisfies BackupOptions["tables"][];

/** @throws InvalidArgumentError */
export function checkBackupOptions(options: BackupOptions): void {
  checkOptions(options, BACKUP_OPTIONS);
  checkFunction("onProgress", options.onProgress);
  checkSignal(options.signal);
  const { tables } = options;
  if (tables === undefined || TABLES.includes(tables)) return;
  const expected = 'expected "all", "projections-excluded" or "none"';
  throw invalidArgument("tables", `${expected}, got ${describeValue(tables)}`);
}
