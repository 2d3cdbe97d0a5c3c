import type { PostgresConnection } from "../client/client.js";
import { retryWhileLost } from "../open/connect-within.js";
import type { Backend, Session } from "../open/session.js";

/** What a pool is made of. */
export interface ReadPoolSettings {
  readonly size: number;
  /** For how long a task tries again when its connection was lost. */
  readonly retryMs: number;
  readonly open: () => Promise<Session>;
}

/** A bounded number of connections, each lent to one task at a time. All are opened when needed. */
export class ReadPool {
  readonly #settings: ReadPoolSettings;
  readonly #idle: Session[] = [];
  readonly #waiting: (() => void)[] = [];
  /** Tasks that have a connection, or are opening one. */
  #lent = 0;
  #onIdle: (() => void) | undefined;

  constructor(settings: ReadPoolSettings) {
    this.#settings = settings;
  }

  /** Runs a task that only reads. It runs again, with another connection, when it lost the one that it had. */
  use<T>(task: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const deadlineMs = performance.now() + this.#settings.retryMs;
    return this.#lend((lend) => retryWhileLost(deadlineMs, () => lend(({ connection }) => task(connection))));
  }

  /** Runs a task once, because it may not be repeated. */
  useOnce<T>(task: (session: Session) => Promise<T>): Promise<T> {
    return this.#lend((lend) => lend(task));
  }

  /** Cancels the statement that a backend runs, by a connection of its own: all others may be lent. */
  async cancel({ processId, startedAt }: Backend): Promise<void> {
    const { connection } = await this.#settings.open();
    try {
      await connection.query({
        text: "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE pid = $1::int AND backend_start::text = $2",
        values: [processId, startedAt],
      });
    } finally {
      await connection.close();
    }
  }

  /** Waits for the tasks that were accepted, and closes the connections. */
  async close(): Promise<void> {
    if (this.#lent > 0) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
    await Promise.all(this.#idle.splice(0).map(({ connection }) => connection.close()));
  }

  async #lend<T>(run: (lend: <R>(task: (session: Session) => Promise<R>) => Promise<R>) => Promise<T>): Promise<T> {
    if (this.#lent >= this.#settings.size) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#lent += 1;
    try {
      return await run((task) => this.#withSession(task));
    } finally {
      const next = this.#waiting.shift();
      if (next !== undefined) next();
      else this.#giveUpPlace();
    }
  }

  #giveUpPlace(): void {
    this.#lent -= 1;
    if (this.#lent === 0) this.#onIdle?.();
  }

  async #withSession<T>(task: (session: Session) => Promise<T>): Promise<T> {
    const session = this.#takeIdle() ?? (await this.#settings.open());
    try {
      return await task(session);
    } finally {
      if (session.connection.isOpen) this.#idle.push(session);
    }
  }

  #takeIdle(): Session | undefined {
    for (let session = this.#idle.pop(); session !== undefined; session = this.#idle.pop()) {
      if (session.connection.isOpen) return session;
    }
    return undefined;
  }
}
