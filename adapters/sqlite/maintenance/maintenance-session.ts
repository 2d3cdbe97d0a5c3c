import type { SQLiteConnection } from "../drivers/driver.js";
import { LockClock } from "../retry-busy.js";

/** Lends the connection of a session: one of its own, or for a database in memory the only one, in turns. */
export type UseConnection = <T>(task: (connection: SQLiteConnection) => Promise<T>) => Promise<T>;

/** The steps of one check or backup. Between two of them others have their turn, and the caller may end it. */
export class MaintenanceSession {
  readonly #use: UseConnection;
  readonly #lock: LockClock;
  readonly #lockDeadline: number;
  /** Throws when the caller has ended the session. Each step asks; one that runs many statements asks between them. */
  readonly assertWanted: () => void;

  constructor(use: UseConnection, busyTimeoutMs: number, assertWanted: () => void) {
    this.#use = use;
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

  /** Runs a step that tidies up, whether the session is wanted or not. */
  tidyUp(task: (connection: SQLiteConnection) => Promise<void>): Promise<void> {
    return this.#use(task);
  }
}
