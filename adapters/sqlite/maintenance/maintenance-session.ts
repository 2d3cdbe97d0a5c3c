import type { SQLiteConnection } from "../drivers/driver.js";
import { LockClock } from "../retry-busy.js";

/** Lends the connection of a session: one of its own, or for a database in memory the only one, in turns. */
export type UseConnection = <T>(task: (connection: SQLiteConnection) => Promise<T>) => Promise<T>;

/** Lends a connection for as long as a task takes. */
export type LendConnection = <T>(mode: LentMode, task: (use: UseConnection) => Promise<T>) => Promise<T>;

/** A check only reads. A backup needs a connection with which SQLite may write to another file, too. */
export type LentMode = "existing" | "readonly";

/** Opens a connection for each task. */
export function lendConnections(open: (mode: LentMode) => Promise<SQLiteConnection>): LendConnection {
  return async (mode, task) => {
    const connection = await open(mode);
    try {
      return await task((step) => step(connection));
    } finally {
      await connection.close();
    }
  };
}

/** The steps of one check or backup. Between two of them others have their turn, and the caller may end it. */
export class MaintenanceSession {
  /** The store, in messages. */
  readonly location: string;
  readonly #use: UseConnection;
  readonly #busyTimeoutMs: number;
  readonly #lock: LockClock;
  readonly #lockDeadline: number;
  /** Throws when the caller has ended the session. Each step asks; one that runs many statements asks between them. */
  readonly assertWanted: () => void;

  constructor(location: string, use: UseConnection, busyTimeoutMs: number, assertWanted: () => void) {
    this.location = location;
    this.#use = use;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#lock = new LockClock(busyTimeoutMs);
    this.#lockDeadline = this.#lock.deadline();
    this.assertWanted = assertWanted;
  }

  /** Runs a step, again while the database is locked. All steps together wait no longer for locks than a call may. */
  step<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    return this.#use((connection) =>
      this.#lock.retryWhileBusy(this.#lockDeadline, async () => {
        this.assertWanted();
        return task(connection);
      }),
    );
  }

  /** Runs a task in a read transaction: all that it reads is of one state of the database. */
  atOneMoment<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    return this.#use(async (connection) => {
      await this.#lock.retryWhileBusy(this.#lockDeadline, () => beginReading(connection));
      try {
        return await task(connection);
      } finally {
        await connection.run("ROLLBACK");
      }
    });
  }

  /** The same session over a connection to another database. */
  over(connection: SQLiteConnection): MaintenanceSession {
    return new MaintenanceSession(this.location, (task) => task(connection), this.#busyTimeoutMs, this.assertWanted);
  }

  /** Runs a step that tidies up, whether the session is wanted or not. */
  tidyUp(task: (connection: SQLiteConnection) => Promise<void>): Promise<void> {
    return this.#use(task);
  }
}

async function beginReading(connection: SQLiteConnection): Promise<void> {
  await connection.run("BEGIN");
  try {
    // The first read decides what the transaction sees.
    await connection.all("SELECT 1 FROM es_events LIMIT 1");
  } catch (error) {
    await connection.run("ROLLBACK");
    throw error;
  }
}
