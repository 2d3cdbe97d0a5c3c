import {
  type BackupOptions,
  type BackupReport,
  type StoreContents,
  type StoreMaintenance,
  StreamClosedError,
  type VerifyOptions,
  type VerifyReport,
} from "../../../protocols/index.js";
import { checkOptions, checkSignal, invalidArgument, type OptionNames } from "../../../src/validate/check-arguments.js";
import { describeValue } from "../../../src/validate/json-text.js";
import { SQLiteContents } from "../copy/sqlite-contents.js";
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

type Options = Pick<VerifyOptions, "signal"> & { readonly onProgress?: unknown };

const VERIFY_OPTIONS: OptionNames<VerifyOptions> = { onProgress: true, signal: true };
const BACKUP_OPTIONS: OptionNames<BackupOptions> = { tables: true, onProgress: true, signal: true };

/** Checks and backups of an open store, and what they wait for when it is disposed of. */
export class Maintenance implements StoreMaintenance, AsyncDisposable {
  readonly #parts: MaintenanceParts;
  readonly #running = new Set<Promise<unknown>>();
  #isClosed = false;

  constructor(parts: MaintenanceParts) {
    this.#parts = parts;
  }

  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    const { driver, acknowledgedFile } = this.#parts;
    checkOptions(options, VERIFY_OPTIONS);
    return this.#run("verify the store", "readonly", options, (session) =>
      verifyStore(session, driver, acknowledgedFile, options.onProgress),
    );
  }

  async backup(path: string | URL, options: BackupOptions = {}): Promise<BackupReport> {
    const { driver, isReadOnly } = this.#parts;
    checkOptions(options, BACKUP_OPTIONS);
    checkTables(options.tables);
    const attempt = `back up to ${path instanceof URL ? path.href : describeValue(path)} from the store`;
    const copy = isReadOnly ? backupReadOnlyStore : backupStore;
    return this.#run(attempt, isReadOnly ? "readonly" : "existing", options, (session) =>
      copy(session, driver, parseTarget(path), options),
    );
  }

  async exportContents<T>(work: (contents: StoreContents) => Promise<T>): Promise<T> {
    return this.#run("copy the store", "readonly", {}, (session) =>
      session.atOneMoment((connection) => work(new SQLiteContents(connection, session.assertWanted))),
    );
  }

  /** Lets nothing new begin, ends what is under way between two of its steps, and waits for it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled(this.#running);
  }

  async #run<T>(
    attempt: string,
    mode: LentMode,
    options: Options,
    task: (session: MaintenanceSession) => Promise<T>,
  ): Promise<T> {
    const { signal, onProgress } = options;
    checkSignal(signal);
    if (onProgress !== undefined && typeof onProgress !== "function") {
      throw invalidArgument("onProgress", `expected a function, got ${describeValue(onProgress)}`);
    }
    const assertWanted = (): void => {
      if (this.#isClosed) throw this.#closedError(attempt);
      signal?.throwIfAborted();
    };
    assertWanted();
    const { lend, busyTimeoutMs } = this.#parts;
    const running = lend(mode, (use) => task(new MaintenanceSession(use, busyTimeoutMs, assertWanted)));
    this.#running.add(running);
    try {
      return await running;
    } catch (error) {
      throw sqliteCode(error) === undefined ? error : storageError(error, attempt, this.#parts.location);
    } finally {
      this.#running.delete(running);
    }
  }

  #closedError(attempt: string): StreamClosedError {
    const message = `Cannot ${attempt} ${this.#parts.location}: the factory has been disposed. Open a new one.`;
    return new StreamClosedError(message);
  }
}

function parseTarget(path: unknown): string {
  const target = parseStorePath(path);
  if (target !== IN_MEMORY) return target;
  throw invalidArgument("path", `expected the path of a new file, got ${describeValue(path)}`);
}

const TABLES: readonly unknown[] = ["all", "projections-excluded", "none"] satisfies BackupOptions["tables"][];

function checkTables(tables: unknown): void {
  if (tables === undefined || TABLES.includes(tables)) return;
  const expected = 'expected "all", "projections-excluded" or "none"';
  throw invalidArgument("tables", `${expected}, got ${describeValue(tables)}`);
}
