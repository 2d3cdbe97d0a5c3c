import type { SQLiteConnection } from "../drivers/driver.js";
import { retryWhileBusy } from "../retry-busy.js";

/** Lends the connection of a session: one of its own, or for a database in memory the only one, in turns. */
export type UseConnection = <T>(task: (connection: SQLiteConnection) => Promise<T>) => Promise<T>;

/** The steps of one check or backup. Between two of them others have their turn, and the caller may end it. */
export class MaintenanceSession {
  readonly #use: UseConnection;
  readonly #busyTimeoutMs: number;
  readonly #assertWanted: () => void;

  /** @param assertWanted - throws when the caller has ended the session */
  constructor(use: UseConnection, busyTimeoutMs: number, assertWanted: () => void) {
    this.#use = use;
    this.#busyTimeoutMs = busyTimeoutMs;
    this.#assertWanted = assertWanted;
  }

  /** Runs a step, again while the database is locked. */
  step<T>(task: (connection: SQLiteConnection) => Promise<T>): Promise<T> {
    return this.#use((connection) =>
      retryWhileBusy(this.#busyTimeoutMs, async () => {
        this.#assertWanted();
        return task(connection);
      }),
    );
  }

  /** Runs a step that tidies up, whether the session is wanted or not. */
  tidyUp(task: (connection: SQLiteConnection) => Promise<void>): Promise<void> {
    return this.#use(task);
  }
}
