import type { AppendRequest, AppendResult, EventPage, ReadQuery, StorageSession } from "../../../protocols/index.js";
import type { AppendsInTransaction } from "../append/appends-in-transaction.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { storageError } from "../sqlite-errors.js";
import { TableStatements } from "../tables/table-statements.js";
import { SQLiteRecords } from "./sqlite-records.js";

/** What a session works on. */
export interface TransactionSessionContext {
  readonly connection: SQLiteConnection;
  readonly appends: AppendsInTransaction;
  /** The position of the last event. */
  readonly head: number;
  readonly location: string;
  /** Ends the statement that is running. Absent where others would be undone with it. */
  readonly interrupt: AbortSignal | undefined;
}

/** An open transaction as its callback uses it. */
export class TransactionSession implements StorageSession {
  readonly head: number;
  readonly records: SQLiteRecords;
  readonly sql: TableStatements;
  readonly #appends: AppendsInTransaction;
  readonly #location: string;

  constructor({ connection, appends, head, location, interrupt }: TransactionSessionContext) {
    this.#appends = appends;
    this.#location = location;
    this.head = head;
    this.records = new SQLiteRecords(connection, location);
    this.sql = new TableStatements(connection, location, interrupt);
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    const [outcome] = await this.#saying(`write to stream "${request.streamId}"`, async () => {
      const { outcomes } = await this.#appends.store([request]);
      return outcomes;
    });
    if (outcome === undefined || "error" in outcome) throw outcome?.error;
    return outcome.result as AppendResult;
  }

  readPage(query: ReadQuery): Promise<EventPage> {
    return this.#saying(`read stream "${query.streamId}"`, () => this.#appends.readPage(query));
  }

  runScript(script: string): Promise<void> {
    return this.sql.runScript(script);
  }

  async #saying<T>(attempt: string, task: () => Promise<T>): Promise<T> {
    try {
      return await task();
    } catch (error) {
      throw storageError(error, attempt, this.#location);
    }
  }
}
