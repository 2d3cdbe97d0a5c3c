import type { PostgresConnection } from "../client/client.js";
import type { ReadPool } from "../read/read-pool.js";

/** The steps of one check. Between two of them the caller may end it, and no snapshot is held. */
export class CheckSession {
  readonly #reads: ReadPool;
  readonly #assertWanted: () => void;

  constructor(reads: ReadPool, assertWanted: () => void) {
    this.#reads = reads;
    this.#assertWanted = assertWanted;
  }

  /** Runs statements that only read, however long they take: there are a few that read a whole index. */
  step<T>(task: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    return this.#reads.use(async (connection) => {
      this.#assertWanted();
      const { answerTimeoutMs } = connection;
      connection.answerTimeoutMs = undefined;
      try {
        await connection.script("BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY; SET LOCAL statement_timeout TO 0");
        return await task(connection);
      } finally {
        if (connection.isOpen) await connection.script("ROLLBACK").catch(() => connection.destroy());
        connection.answerTimeoutMs = answerTimeoutMs;
      }
    });
  }
}
