import { randomUUID } from "node:crypto";
import { ConnectionLostError, type PostgresConnection } from "../client/client.js";
import { retryWhileLost } from "../open/connect-within.js";
import type { Backend, Session } from "../open/session.js";
import { beginLocked, type LockedStore } from "./locked-transaction.js";

/** What a writer is made of. */
export interface WriterSettings extends LockedStore {
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly open: () => Promise<Session>;
}

/** What a commit is sent with. */
interface CommitScripts {
  readonly before: string;
  readonly notified: number | undefined;
  readonly behind: string;
}

/** How long the server waits for a backend to end. */
const END_BACKEND_TIMEOUT_MS = 5_000;

/** How long a row of a process that is gone is kept. */
const KEPT_WRITERS_DAYS = 7;

/** How long the row of this process is there for certain, since its last transaction. */
const KEPT_FOR_CERTAIN_MS = (KEPT_WRITERS_DAYS - 1) * 24 * 60 * 60 * 1_000;

/** The connection that writes. It is opened again when it was lost. */
export class Writer {
  readonly #id = randomUUID();
  readonly #settings: WriterSettings;
  #session: Session | undefined;
  #transaction = 0;
  /** The last transaction that was acknowledged, and when. */
  #acknowledged: { readonly transaction: number; readonly atMs: number } | undefined;
  #abandoned: Error | undefined;
  #onAbandoned: (reason: Error) => void = () => undefined;

  constructor(session: Session, settings: WriterSettings) {
    this.#session = session;
    this.#settings = settings;
  }

  /**
   * @throws ConnectionLostError when there is no connection to be had in time
   * @throws StoreChangedError when it is not to the store that this process has seen
   */
  async session(): Promise<Session> {
    if (this.#abandoned !== undefined) throw this.#abandoned;
    this.#settings.history.assertUnchanged();
    if (this.#session?.connection.isOpen) return this.#session;
    const abandoned = new Promise<never>((_, reject) => {
      this.#onAbandoned = reject;
    });
    const session = await Promise.race([this.#open(), abandoned]);
    this.#session = session;
    return session;
  }

  async #open(): Promise<Session> {
    const deadlineMs = performance.now() + this.#settings.connectTimeoutMs;
    const session = await retryWhileLost(deadlineMs, () => this.#openChecked());
    if (this.#abandoned !== undefined) session.connection.destroy();
    return session;
  }

  /** A transaction may have stored no event by which it would be missed. */
  async #openChecked(): Promise<Session> {
    const session = await this.#settings.open();
    try {
      if (this.#acknowledged !== undefined) await this.#check(session.connection, this.#acknowledged);
      return session;
    } catch (error) {
      await session.connection.close();
      throw error;
    }
  }

  async #check(
    connection: PostgresConnection,
    { transaction, atMs }: { readonly transaction: number; readonly atMs: number },
  ): Promise<void> {
    const stored = await this.#storedTransaction(connection);
    const isKept = performance.now() - atMs < KEPT_FOR_CERTAIN_MS;
    if (stored === undefined ? isKept : stored < transaction) this.#settings.history.failForLostTransaction();
  }

  /** Opens a connection that the caller closes, while the other is busy. */
  openApart(): Promise<Session> {
    return this.#settings.open();
  }

  /** Drops the connection at once, and opens none any more. What is under way fails, and what was sent may be stored. */
  abandon(reason: Error): void {
    this.#abandoned = reason;
    this.#onAbandoned(reason);
    this.#session?.connection.destroy();
  }

  /**
   * Commits an open transaction, with a note of its number, by which it can be found out later whether it was committed.
   *
   * @param before - statements that are run before the note
   * @param notified - the position that other processes are notified of
   * @param behind - statements that are run behind the commit. Where one of them fails, this rejects though it is committed
   * @param onSent - called with the number
   */
  async commit(
    connection: PostgresConnection,
    { before, notified, behind }: CommitScripts,
    onSent: (transaction: number) => void,
  ): Promise<void> {
    this.#transaction += 1;
    onSent(this.#transaction);
    // In a transaction that a statement has failed the note fails too, so that no COMMIT is taken for a ROLLBACK.
    const text = `${before} ${this.#note()} ${this.#notification(notified)} COMMIT; ${behind}`;
    if ((await connection.script(text)).hasWarning) throw unconfirmed();
    this.#acknowledge(this.#transaction);
  }

  #notification(position: number | undefined): string {
    return position === undefined ? "" : `SELECT pg_notify('${this.#settings.names.channel}', '${position}');`;
  }

  #acknowledge(transaction: number): void {
    this.#acknowledged = { transaction, atMs: performance.now() };
  }

  #note(): string {
    const { prefix } = this.#settings.names;
    const clean =
      this.#transaction === 1
        ? `DELETE FROM ${prefix}es_writers WHERE seen < now() - interval '${KEPT_WRITERS_DAYS} days';`
        : "";
    return `${clean}
      INSERT INTO ${prefix}es_writers (id, transaction, seen) VALUES ('${this.#id}', ${this.#transaction}, now())
      ON CONFLICT (id) DO UPDATE SET transaction = excluded.transaction, seen = excluded.seen;`;
  }

  /** Makes a commit write something, and leaves the number: the next look must not take this commit for the one it looks for. */
  #sign(): string {
    return `
      INSERT INTO ${this.#settings.names.prefix}es_writers (id, transaction, seen) VALUES ('${this.#id}', 0, now())
      ON CONFLICT (id) DO UPDATE SET seen = excluded.seen;`;
  }

  /**
   * Finds out what became of something whose answer was lost. The backend that had it is ended first, and the lock is taken:
   * from then on it is stored or it never will be. Otherwise it could still turn up after a look that did not find it.
   *
   * The look ends with a commit, so that what it has found is as durable as any acknowledged write.
   */
  async settle<T>(lost: Backend, look: (connection: PostgresConnection) => Promise<T>): Promise<T> {
    const deadlineMs = performance.now() + this.#settings.commandTimeoutMs;
    return retryWhileLost(deadlineMs, async () => {
      const { connection } = await this.session();
      await endBackend(connection, lost);
      await beginLocked(connection, this.#settings);
      const found = await look(connection).catch(async (error: unknown) => {
        if (connection.isOpen) await connection.script("ROLLBACK").catch(() => connection.destroy());
        throw error;
      });
      const { hasWarning } = await connection.script(`${this.#sign()} COMMIT`);
      if (hasWarning) throw unconfirmed();
      return found;
    });
  }

  /** Whether the last transaction was committed; asked while nobody else can. */
  async hasCommitted(connection: PostgresConnection, transaction: number): Promise<boolean> {
    const hasCommitted = (await this.#storedTransaction(connection)) === transaction;
    if (hasCommitted) this.#acknowledge(transaction);
    return hasCommitted;
  }

  /** The number of the last transaction that the store has of this writer. */
  async #storedTransaction(connection: PostgresConnection): Promise<number | undefined> {
    const { rows } = await connection.query<{ transaction: number }>({
      text: `SELECT transaction FROM ${this.#settings.names.prefix}es_writers WHERE id = $1::uuid`,
      values: [this.#id],
    });
    return rows[0]?.transaction;
  }

  async close(): Promise<void> {
    const connection = this.#session?.connection;
    if (connection?.isOpen && this.#transaction > 0) {
      const text = `DELETE FROM ${this.#settings.names.prefix}es_writers WHERE id = $1::uuid`;
      // A row that stays is deleted later.
      await connection.query({ text, values: [this.#id] }).catch(() => undefined);
    }
    await connection?.close();
  }
}

async function endBackend(connection: PostgresConnection, { processId, startedAt }: Backend): Promise<void> {
  const { rows } = await connection.query<{ ended: string }>({
    text: `SELECT pg_terminate_backend(pid, ${END_BACKEND_TIMEOUT_MS}) AS ended FROM pg_stat_activity
           WHERE pid = $1::int AND backend_start::text = $2`,
    values: [processId, startedAt],
  });
  if (rows.some(({ ended }) => ended !== "t")) throw new ConnectionLostError("the lost session could not be ended");
}

/** The server says so when a commit stopped waiting for its standbys: it may be lost with the server. */
export function unconfirmed(): ConnectionLostError {
  return new ConnectionLostError("the server did not wait until its standbys had the commit");
}
