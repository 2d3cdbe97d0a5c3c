import type { AppendRequest, AppendResult, EventPage, ReadQuery, StorageSession } from "../../../protocols/index.js";
import type { Commit } from "../../../src/adapter-kit/commit-feed.js";
import type { AppendOutcome } from "../append/append-member.js";
import { AppendRun, type StoringContext } from "../append/append-run.js";
import type { PostgresConnection } from "../client/client.js";
import { storageError } from "../postgres-errors.js";
import { readPage } from "../read/read-page.js";
import { TableStatements } from "../tables/table-statements.js";
import { PostgresRecords } from "./postgres-records.js";

/** An open transaction as its callback uses it. It holds the lock. */
export class PostgresSession implements StorageSession {
  readonly head: number;
  readonly records: PostgresRecords;
  readonly sql: TableStatements;
  readonly connection: PostgresConnection;
  /** What it has stored, to be published after the commit. */
  readonly commits: Commit[] = [];
  readonly #context: StoringContext;

  constructor(connection: PostgresConnection, head: number, context: StoringContext) {
    this.connection = connection;
    // What it reads may be its own and be undone. The lock keeps the store from being replaced.
    this.#context = { ...context, marks: { epoch: context.history.epoch, take: async () => undefined } };
    this.head = head;
    this.records = new PostgresRecords(connection, context.names, context.location);
    this.sql = new TableStatements(connection, context.location);
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    let outcome: AppendOutcome | undefined;
    const settle = (settled: AppendOutcome): void => {
      outcome = settled;
    };
    await this.#saying(`write to stream "${request.streamId}"`, () =>
      new AppendRun([{ member: request, settle }], this.#context, true, (commit) => this.commits.push(commit)).run(
        this.connection,
      ),
    );
    const settled = outcome as AppendOutcome | undefined;
    if (settled === undefined || "error" in settled) throw settled?.error;
    return settled.result as AppendResult;
  }

  readPage(query: ReadQuery): Promise<EventPage> {
    return this.#saying(`read stream "${query.streamId}"`, () => readPage(this.connection, this.#context, query));
  }

  runScript(script: string): Promise<void> {
    return this.sql.runScript(script);
  }

  async #saying<T>(attempt: string, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw storageError(error, attempt, this.#context.location);
    }
  }
}
