import { setTimeout as delay } from "node:timers/promises";
import type { PostgresConnection } from "../client/client.js";
import type { StoreHistory, StoreMarks } from "../history/store-history.js";
import type { Session } from "../open/session.js";
import type { ReadContext } from "./filter-sql.js";
import { ReadPool } from "./read-pool.js";

/** How long a replica may take to connect, and to answer. */
export const REPLICA_TIMEOUT_MS = 1_000;

/** How long a statement may take on a replica: it ends before its connection is given up. */
export const REPLICA_STATEMENT_TIMEOUT_MS = 800;

/** How long a read waits for a replica that lags. */
const MAX_LAG_WAIT_MS = 100;

const FIRST_LAG_WAIT_MS = 2;

/** How long a replica that failed is left alone. */
const REST_MS = 5_000;

/** What events are read from. */
export interface EventReadsParts {
  readonly primary: ReadPool;
  readonly context: ReadContext;
  readonly history: StoreHistory;
  readonly replicaPoolSize: number;
  /** Opens a session with the replica, where there is one. */
  readonly openReplica: (() => Promise<Session>) | undefined;
}

/** A read of events. The context says what to do with the marks of its statements. */
export type EventRead<T> = (connection: PostgresConnection, context: ReadContext) => Promise<T>;

/** The replica has less than this process has seen, or is not to be asked now. */
class ReplicaBehindError extends Error {}

/**
 * Reads events from the replica, where there is one and it has all that this process has seen. What it lacks it may still get,
 * for a moment; then, or when it fails, the primary is asked.
 */
export class EventReads {
  readonly #parts: EventReadsParts;
  readonly #replica: ReadPool | undefined;
  readonly #replicaContext: ReadContext;
  /** Up to which position a server shows what was seen, by its connections. */
  readonly #has = new WeakMap<PostgresConnection, number>();
  #restsUntilMs = 0;

  constructor(parts: EventReadsParts) {
    const { context, history, replicaPoolSize, openReplica } = parts;
    this.#parts = parts;
    this.#replicaContext = { ...context, marks: replicaMarks(history) };
    if (openReplica === undefined) return;
    const open = (): Promise<Session> => {
      this.#assertAwake();
      return openReplica();
    };
    const assertUnchanged = (): void => history.assertUnchanged();
    this.#replica = new ReadPool({ size: replicaPoolSize, retryMs: 0, open, assertUnchanged });
  }

  /** @throws the signal's reason when it is aborted before a connection is free */
  async use<T>(read: EventRead<T>, signal?: AbortSignal): Promise<T> {
    const { primary, context, history } = this.#parts;
    const replica = this.#replica;
    if (replica === undefined) {
      return primary.use((connection) => {
        signal?.throwIfAborted();
        return read(connection, context);
      });
    }
    const found = await this.#readReplica(replica, read, signal);
    if (found !== undefined) return found.result;
    return primary.use(async (connection) => {
      signal?.throwIfAborted();
      // What the replica has shown may not be visible yet.
      if (!(await this.#hasAll(connection))) await history.check(connection);
      return read(connection, context);
    });
  }

  /** Waits for the reads that were accepted, and closes the connections to the replica. */
  async close(): Promise<void> {
    await this.#replica?.close();
  }

  /** Drops the connections to the replica at once. */
  abandon(reason: Error): void {
    this.#replica?.abandon(reason);
  }

  // Whatever is wrong with the replica: the primary knows better.
  async #readReplica<T>(
    replica: ReadPool,
    read: EventRead<T>,
    signal: AbortSignal | undefined,
  ): Promise<{ readonly result: T } | undefined> {
    try {
      this.#assertAwake();
      const result = await replica.useOnce(async ({ connection }) => {
        signal?.throwIfAborted();
        await this.#caughtUp(connection);
        return read(connection, this.#replicaContext);
      });
      return { result };
    } catch (error) {
      signal?.throwIfAborted();
      if (!(error instanceof ReplicaBehindError)) this.#restsUntilMs = performance.now() + REST_MS;
      return undefined;
    }
  }

  async #caughtUp(connection: PostgresConnection): Promise<void> {
    const deadlineMs = performance.now() + MAX_LAG_WAIT_MS;
    for (let waitMs = FIRST_LAG_WAIT_MS; ; waitMs *= 2) {
      this.#assertAwake();
      if (await this.#hasAll(connection)) return;
      if (performance.now() + waitMs > deadlineMs) throw new ReplicaBehindError();
      await delay(waitMs);
    }
  }

  async #hasAll(connection: PostgresConnection): Promise<boolean> {
    const { history } = this.#parts;
    const position = history.lastPosition;
    if ((this.#has.get(connection) ?? -1) >= position) return true;
    const hasAll = await history.isIn(connection);
    if (hasAll) this.#has.set(connection, position);
    return hasAll;
  }

  #assertAwake(): void {
    if (performance.now() < this.#restsUntilMs) throw new ReplicaBehindError();
  }
}

function replicaMarks(history: StoreHistory): StoreMarks {
  return {
    epoch: history.epoch,
    take: async (mark) => {
      if (!history.note(mark)) throw new ReplicaBehindError();
    },
  };
}
