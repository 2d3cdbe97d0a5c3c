import { inspect } from "node:util";
import type { BackupOptions, BackupReport, Records, SQL, TransactionOptions } from "async-streams";
import { type BlobStore, sqliteBlobs } from "async-streams/blobs";
import type { StoreConfig } from "./config.js";
import { withHistory } from "./history.js";
import { metricsText } from "./metrics.js";
import { migrateDown, migrateUp, readMigrations } from "./migrations.js";
import { Operations } from "./operations.js";
import { StoreSession, TransactionSession } from "./session.js";
import type { StoreBackend, Streams } from "./store-backend.js";
import { attempt } from "./store-error.js";
import { VacuumSchedule } from "./vacuum-schedule.js";
import { type StoreReport, verifyStore } from "./verify.js";
import { type SlowQuery, Watchdog } from "./watchdog.js";

const DEFAULT_SLOW_QUERY_MS = 100;

/** What can be done inside a transaction: the operations, the tables themselves, and the library's records. */
export class StoreTransaction extends Operations {
  readonly sql: SQL;
  readonly records: Records;

  constructor(session: TransactionSession, tables: SQL, records: Records) {
    super(session);
    this.sql = tables;
    this.records = records;
  }
}

/** The state of the orchestrator, whatever keeps it. */
export class Store extends Operations {
  readonly #backend: StoreBackend;
  readonly #config: StoreConfig;
  readonly #watchdog: Watchdog;
  readonly #now: () => Date;
  #streams: Streams | undefined;
  /** While it is opened or restored. */
  #opening: Promise<void> | undefined;
  #vacuums: VacuumSchedule | undefined;

  constructor(backend: StoreBackend, config: StoreConfig) {
    const { slowQueryMs = DEFAULT_SLOW_QUERY_MS, onSlowQuery = logSlowQuery, now = () => Date.now() } = config;
    const watchdog = new Watchdog(slowQueryMs, onSlowQuery);
    const nowAsDate = () => new Date(now());
    super(new StoreSession(() => this.#open, watchdog, nowAsDate));
    this.#backend = backend;
    this.#config = config;
    this.#watchdog = watchdog;
    this.#now = nowAsDate;
  }

  /** Opens the store, and makes it if there is none. */
  init(): Promise<void> {
    return attempt("open database", async () => {
      if (this.#streams !== undefined) return;
      await (this.#opening ?? this.#begin((now) => this.#backend.open(now)));
    });
  }

  /** Puts a backup in the place of this store, and opens it; then migrate. Nobody may have it open. */
  restore(backupPath: string): Promise<void> {
    return attempt("restore database", async () => {
      if (this.#streams !== undefined || this.#opening !== undefined) throw new Error("it is open; close it first");
      await this.#begin((now) => this.#backend.restore(backupPath, now));
    });
  }

  /** Applies what this store does not have yet, and fills tables that are new with what the events say. */
  migrate(): Promise<void> {
    return attempt("run migrations", async () =>
      migrateUp(this.#open, await readMigrations(this.#backend.dialect, this.#config.migrations)),
    );
  }

  /**
   * The events stay, and fill the tables again.
   *
   * @param to - the number or the id of the last migration that stays; 0 or null: all are undone
   */
  migrateDown(to: number | string | null): Promise<void> {
    return attempt("undo migrations", async () =>
      migrateDown(this.#open, await readMigrations(this.#backend.dialect, this.#config.migrations), to),
    );
  }

  /** Runs `work` in one transaction: all of it or nothing. Rejects with what `work` throws, or with the signal's reason. */
  async withTx<T>(work: (tx: StoreTransaction) => Promise<T>, options?: TransactionOptions): Promise<T> {
    if (typeof work !== "function") throw new TypeError(`work must be a function, got ${inspect(work)}`);
    return this.#open.transaction((tx) => {
      const session = new TransactionSession(tx, this.#watchdog, this.#now);
      return work(new StoreTransaction(session, this.#watchdog.watched(tx.sql), tx.records));
    }, options);
  }

  /** Copies the store with all of its tables into a new file while it is in use: one of the profile "solo", also from a server. */
  backup(path: string, options: Omit<BackupOptions, "tables"> = {}): Promise<BackupReport> {
    return attempt("back up database", async () => this.#backend.backup(this.#open, path, options));
  }

  /** Looks for damage, and for rows that were changed past the store. */
  verify(): Promise<StoreReport> {
    return attempt("verify database", async () => verifyStore(this.#open));
  }

  /** Metrics in Prometheus' text format. */
  metrics(): Promise<string> {
    return attempt("read metrics", async () => metricsText(this.#open, this.#watchdog.metrics));
  }

  /** The files of packages. */
  get artifacts(): BlobStore {
    return this.#config.artifacts ?? sqliteBlobs(this.#open);
  }

  /** Finishes what was begun. A second call is harmless. */
  async close(): Promise<void> {
    await this.#opening?.catch(() => undefined);
    const streams = this.#streams;
    this.#streams = undefined;
    await this.#vacuums?.[Symbol.asyncDispose]();
    await streams?.[Symbol.asyncDispose]();
  }

  get #open(): Streams {
    if (this.#streams === undefined) throw new Error("database not initialized; call init() first");
    return this.#streams;
  }

  /** A second caller would open it once more, and nobody would close that. */
  #begin(open: (now: () => number) => Promise<Streams>): Promise<void> {
    this.#opening = open(() => this.#now().getTime())
      .then((streams) => this.#use(streams))
      .finally(() => {
        this.#opening = undefined;
      });
    return this.#opening;
  }

  #use(streams: Streams): void {
    this.#streams = withHistory(streams);
    const { vacuumIntervalMs, onVacuumError = logVacuumError } = this.#config;
    if (vacuumIntervalMs !== undefined) this.#vacuums = new VacuumSchedule(streams, vacuumIntervalMs, onVacuumError);
  }
}

function logSlowQuery({ text, durationMs }: SlowQuery): void {
  console.error(`slow query (${durationMs.toFixed(0)} ms): ${text}`);
}

function logVacuumError(error: unknown): void {
  console.error("vacuum failed:", error);
}
