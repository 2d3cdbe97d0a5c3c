import type { AppendRequest, AppendResult } from "../../protocols/index.js";
import type { AppendGroup } from "./append-group.js";
import type { AppendOutcome } from "./append-plan.js";
import { eventCharacters, MAX_STATEMENT_CHARACTERS, MAX_STATEMENT_EVENTS } from "./append-statements.js";
import type { SQLiteConnection } from "./driver.js";
import { retryWhileBusy } from "./retry-busy.js";
import { storageError } from "./sqlite-errors.js";
import type { Writer } from "./writer.js";

/** What the queue needs. */
export interface AppendQueueContext {
  readonly writer: Writer;
  readonly group: AppendGroup;
  readonly location: string;
  readonly busyTimeoutMs: number;
}

/**
 * Groups appends: while one transaction commits, what arrives waits, and the next takes all of it, up to the size of
 * one statement. Each append keeps an outcome of its own.
 */
export class AppendQueue {
  readonly #context: AppendQueueContext;
  #waiting: PendingAppend[] = [];
  #isScheduled = false;
  #onFinished: (() => void) | undefined;

  constructor(context: AppendQueueContext) {
    this.#context = context;
  }

  append(request: AppendRequest): Promise<AppendResult> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(new PendingAppend(request, resolve, reject));
      if (!this.#isScheduled) this.#schedule();
    });
  }

  /** Resolves once every append that was accepted has settled. */
  async finished(): Promise<void> {
    if (!this.#isScheduled) return;
    await new Promise<void>((resolve) => {
      this.#onFinished = resolve;
    });
  }

  // At the end of this turn of the event loop, so that all who were told of the last commit can be in the next.
  #schedule(): void {
    this.#isScheduled = true;
    setImmediate(() => {
      void this.#context.writer
        .use((connection) => this.#storeNext(connection))
        .then(() => {
          this.#isScheduled = false;
          if (this.#waiting.length > 0) this.#schedule();
          else this.#onFinished?.();
        });
    });
  }

  async #storeNext(connection: SQLiteConnection): Promise<void> {
    const appends = this.#takeGroup();
    try {
      const outcomes = await this.#store(connection, appends);
      for (const { append, outcome } of outcomes) append.settle(outcome);
    } catch (error) {
      this.#context.group.failed();
      for (const append of appends) {
        const attempt = `write to stream "${append.request.streamId}"`;
        append.settle({ error: storageError(error, attempt, this.#context.location) });
      }
    }
  }

  async #store(connection: SQLiteConnection, appends: readonly PendingAppend[]): Promise<Settled[]> {
    const { group, busyTimeoutMs } = this.#context;
    return retryWhileBusy(busyTimeoutMs, async () => {
      const begun = appends.filter((append) => !append.isAborted());
      if (begun.length === 0) return [];
      const outcomes = await group.storeGuarded(
        connection,
        begun.map(({ request }) => request),
      );
      return outcomes === null ? this.#storeInTransaction(connection, begun) : pair(begun, outcomes);
    });
  }

  async #storeInTransaction(connection: SQLiteConnection, appends: readonly PendingAppend[]): Promise<Settled[]> {
    await connection.run("BEGIN IMMEDIATE");
    try {
      const requests = appends.map(({ request }) => request);
      const { outcomes, onCommitted } = await this.#context.group.storeInTransaction(connection, requests);
      await connection.run("COMMIT");
      onCommitted();
      return pair(appends, outcomes);
    } catch (error) {
      await rollBack(connection);
      throw error;
    }
  }

  #takeGroup(): PendingAppend[] {
    let events = 0;
    let characters = 0;
    let count = 0;
    for (const { request } of this.#waiting) {
      events += request.events.length;
      for (const event of request.events) characters += eventCharacters(event);
      if (count > 0 && (events > MAX_STATEMENT_EVENTS || characters > MAX_STATEMENT_CHARACTERS)) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }
}

interface Settled {
  readonly append: PendingAppend;
  readonly outcome: AppendOutcome;
}

function pair(appends: readonly PendingAppend[], outcomes: readonly AppendOutcome[]): Settled[] {
  return appends.map((append, index) => ({ append, outcome: outcomes[index] as AppendOutcome }));
}

async function rollBack(connection: SQLiteConnection): Promise<void> {
  try {
    await connection.run("ROLLBACK");
  } catch {
    // After some errors SQLite has rolled back by itself; the error that led here is the one to report.
  }
}

/** An append that waits for its transaction. */
class PendingAppend {
  readonly request: AppendRequest;
  #isSettled = false;
  readonly #resolve: (result: AppendResult) => void;
  readonly #reject: (error: unknown) => void;

  constructor(request: AppendRequest, resolve: (result: AppendResult) => void, reject: (error: unknown) => void) {
    this.request = request;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Whether the caller gave up before a transaction could begin; asked right before each attempt to begin one. */
  isAborted(): boolean {
    const { signal } = this.request;
    if (signal?.aborted) this.settle({ error: signal.reason });
    return this.#isSettled;
  }

  settle(outcome: AppendOutcome): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    if ("error" in outcome) this.#reject(outcome.error);
    else this.#resolve(outcome.result);
  }
}
