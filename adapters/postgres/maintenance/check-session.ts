import { untilAborted } from "../../../src/watch/abort-listeners.js";
import type { PostgresConnection } from "../client/client.js";
import { cancellable } from "../open/cancellable.js";
import type { ReadPool } from "../read/read-pool.js";

/** The steps of one check. Between two of them the store may end it, and no snapshot is held. */
export class CheckSession {
  readonly #reads: ReadPool;
  readonly #assertWanted: () => void;

  readonly #signal: AbortSignal | undefined;

  /** @param signal - ends the check at once: also a statement that runs, and the waiting for a connection */
  constructor(reads: ReadPool, assertWanted: () => void, signal: AbortSignal | undefined) {
    this.#reads = reads;
    this.#signal = signal;
    this.#assertWanted = assertWanted;
  }

  /** Runs statements that only read, however long they take: there are a few that read a whole index. */
  async step<T>(task: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const signal = this.#signal;
    const stepping = this.#reads.use((connection, session) =>
      cancellable(session, signal, () => this.#read(connection, task)),
    );
    return untilAborted(stepping, signal);
  }

  async #read<T>(connection: PostgresConnection, task: (connection: PostgresConnection) => Promise<T>): Promise<T> {
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
  }
}
