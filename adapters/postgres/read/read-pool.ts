import { ConnectionLostError, type PostgresConnection } from "../client/client.js";
import { leavesTime, retryWhileLost } from "../open/connect-within.js";
import type { Session } from "../open/session.js";

/** What a pool is made of. */
export interface ReadPoolSettings {
  readonly size: number;
  /** For how long a task tries again when its connection was lost. */
  readonly retryMs: number;
  readonly open: () => Promise<Session>;
  /** Throws when no task may run any more, because the store was found to be another. */
  readonly assertUnchanged: () => void;
}

/** A bounded number of connections, each lent to one task at a time. All are opened when needed. */
export class ReadPool {
  readonly #settings: ReadPoolSettings;
  readonly #idle: Session[] = [];
  readonly #busy = new Set<Session>();
  readonly #waiting: (() => void)[] = [];
  /** Tasks that have a connection, or are opening one. */
  #lent = 0;
  #onIdle: (() => void) | undefined;
  /** When the server was started that the newest connection is to. */
  #serverStartedAt: string | undefined;
  #failedOpening: { readonly error: unknown; readonly atMs: number } | undefined;
  #abandoned: Error | undefined;

  constructor(settings: ReadPoolSettings) {
    this.#settings = settings;
  }

  /** Runs a task that only reads. It runs again, with another connection, when it lost the one that it had. */
  use<T>(task: (connection: PostgresConnection, session: Session) => Promise<T>): Promise<T> {
    const deadlineMs = performance.now() + this.#settings.retryMs;
    const run = (session: Session): Promise<T> => task(session.connection, session);
    return this.#lend(() => retryWhileLost(deadlineMs, () => this.#withSession(run, deadlineMs)));
  }

  /** Runs a task once: where it fails, it is run elsewhere. */
  useOnce<T>(task: (session: Session) => Promise<T>): Promise<T> {
    return this.#lend(() => this.#withSession(task, Number.POSITIVE_INFINITY));
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

  /** Drops the connections at once. Tasks fail, those that wait with the reason. */
  abandon(reason: Error): void {
    this.#abandoned = reason;
    for (const { connection } of [...this.#idle, ...this.#busy]) connection.destroy();
  }

  async #lend<T>(run: () => Promise<T>): Promise<T> {
    if (this.#lent >= this.#settings.size) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#lent += 1;
    try {
      return await run();
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

  async #withSession<T>(task: (session: Session) => Promise<T>, deadlineMs: number): Promise<T> {
    if (this.#abandoned !== undefined) throw this.#abandoned;
    this.#settings.assertUnchanged();
    const session = this.#takeIdle() ?? (await this.#openBy(deadlineMs));
    this.#busy.add(session);
    try {
      return await task(session);
    } catch (error) {
      // The connection was dropped on purpose.
      throw this.#abandoned !== undefined && error instanceof ConnectionLostError ? this.#abandoned : error;
    } finally {
      this.#busy.delete(session);
      if (session.connection.isOpen) this.#idle.push(session);
    }
  }

  /** What has failed while a task waited is not tried again after its time: those behind it would wait as long once more. */
  async #openBy(deadlineMs: number): Promise<Session> {
    const failed = this.#failedOpening;
    const hasWaited = failed !== undefined && failed.atMs > deadlineMs - this.#settings.retryMs;
    if (hasWaited && !leavesTime(deadlineMs)) throw failed.error;
    try {
      return await this.#open();
    } catch (error) {
      this.#failedOpening = { error, atMs: performance.now() };
      // Others may have given their connections back while no further one was to be had.
      const session = error instanceof ConnectionLostError ? this.#takeIdle() : undefined;
      if (session === undefined) throw error;
      return session;
    }
  }

  async #open(): Promise<Session> {
    const session = await this.#settings.open();
    if (this.#abandoned !== undefined) {
      session.connection.destroy();
      throw this.#abandoned;
    }
    this.#serverStartedAt = session.server.startedAt;
    return session;
  }

  /** Connections to a server that another has taken the place of are not used any more, even where it still answers. */
  #takeIdle(): Session | undefined {
    for (let session = this.#idle.pop(); session !== undefined; session = this.#idle.pop()) {
      const { connection, server } = session;
      if (connection.isOpen && server.startedAt === this.#serverStartedAt) return session;
      connection.destroy();
    }
    return undefined;
  }
}
