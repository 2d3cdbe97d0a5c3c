import type { StoreContents, StoreMaintenance, VerifyOptions, VerifyReport } from "../../../protocols/index.js";
import { type MaintenanceOptions, MaintenanceRuns } from "../../../src/adapter-kit/maintenance-runs.js";
import { checkOptions, type OptionNames } from "../../../src/validate/check-arguments.js";
import { inAttempt } from "../../../src/validate/in-call.js";
import { exportContents } from "../copy/export-contents.js";
import type { StoreNames } from "../open/schema.js";
import type { Session } from "../open/session.js";
import { isOfStore, storageError } from "../postgres-errors.js";
import type { ReadPool } from "../read/read-pool.js";
import { CheckSession } from "./check-session.js";
import { verifyStore } from "./verify/verify-store.js";

/** The context of maintenance. */
export interface PostgresMaintenanceParts {
  readonly location: string;
  readonly names: StoreNames;
  readonly applicationSchema: string;
  readonly reads: ReadPool;
  /** Opens a connection of its own that reads, which the caller closes. */
  readonly open: () => Promise<Session>;
}

const VERIFY_OPTIONS: OptionNames<VerifyOptions> = { onProgress: true, signal: true };

/** What checks an open store, and reads it for a copy. */
export class PostgresMaintenance implements Pick<StoreMaintenance, "verify">, AsyncDisposable {
  readonly #parts: PostgresMaintenanceParts;
  readonly #runs: MaintenanceRuns;

  constructor(parts: PostgresMaintenanceParts) {
    this.#parts = parts;
    this.#runs = new MaintenanceRuns(parts.location);
  }

  async verify(options: VerifyOptions = {}): Promise<VerifyReport> {
    const attempt = "verify the store";
    inAttempt(attempt, this.#parts.location, () => checkOptions(options, VERIFY_OPTIONS));
    return this.#run(attempt, options, (session) => verifyStore(session, this.#parts, options.onProgress));
  }

  exportContents<T>(work: (contents: StoreContents) => Promise<T>): Promise<T> {
    const attempt = "copy the store";
    return this.#saying(attempt, () => this.#runs.run(attempt, {}, () => exportContents(this.#parts, work)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#runs[Symbol.asyncDispose]();
  }

  async #run<T>(attempt: string, options: MaintenanceOptions, task: (session: CheckSession) => Promise<T>): Promise<T> {
    const { reads } = this.#parts;
    return this.#saying(attempt, () =>
      this.#runs.run(attempt, options, (assertWanted) => task(new CheckSession(reads, assertWanted, options.signal))),
    );
  }

  async #saying<T>(attempt: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw isOfStore(error) ? storageError(error, attempt, this.#parts.location) : error;
    }
  }
}
