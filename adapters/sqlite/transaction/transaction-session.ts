import type { AppendRequest, AppendResult, EventPage, ReadQuery, RequestOutcome } from "../../../protocols/index.js";
import type { GroupSession, PartOutcome } from "../../../src/adapter-kit/append-together.js";
import { attemptOf } from "../../../src/transaction/write-all.js";
import type { AppendsInTransaction } from "../append/appends-in-transaction.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { storageError } from "../sqlite-errors.js";
import { TableStatements } from "../tables/table-statements.js";
import { isFatal } from "./fatal-error.js";
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
export class TransactionSession implements GroupSession {
  readonly head: number;
  readonly records: SQLiteRecords;
  readonly sql: TableStatements;
  readonly #connection: SQLiteConnection;
  readonly #appends: AppendsInTransaction;
  readonly #location: string;
  #failure: unknown;

  constructor({ connection, appends, head, location, interrupt }: TransactionSessionContext) {
    this.#connection = connection;
    this.#appends = appends;
    this.#location = location;
    this.head = head;
    this.records = new SQLiteRecords(connection, location, this.#note);
    this.sql = new TableStatements(connection, location, interrupt, this.#note);
  }

  /**
   * What a statement of the session has failed with: the first failure, or the first that is fatal. What the callback throws
   * may look like one, and is not.
   */
  get failure(): unknown {
    return this.#failure;
  }

  readonly #note = (error: unknown): void => {
    if (this.#failure === undefined || (isFatal(error) && !isFatal(this.#failure))) this.#failure = error;
  };

  async append(request: AppendRequest): Promise<AppendResult> {
    const [outcome] = await this.appendEach([request]);
    if (outcome === undefined || "error" in outcome) throw outcome?.error;
    return outcome.result;
  }

  appendEach(requests: readonly AppendRequest[]): Promise<readonly RequestOutcome[]> {
    return this.#saying(attemptOf(requests), async () => {
      const { outcomes } = await this.#appends.store(requests);
      // A unit has several results; these are no units.
      return outcomes as readonly RequestOutcome[];
    });
  }

  /** Runs a part of the transaction, which is undone alone. Rejects when the transaction is lost with it. */
  async runPart(work: (session: GroupSession) => Promise<readonly RequestOutcome[]>): Promise<PartOutcome> {
    const run = (text: string) => this.#saying("run a transaction", () => this.#connection.run(text));
    await run("SAVEPOINT es_part");
    const forget = this.#appends.mark();
    let outcomes: readonly RequestOutcome[];
    try {
      outcomes = await work(this);
    } catch (undoneBy) {
      if (isFatal(this.#failure)) throw undoneBy;
      await run("ROLLBACK TO es_part");
      await run("RELEASE es_part");
      forget();
      return { undoneBy };
    }
    await run("RELEASE es_part");
    return { outcomes };
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
      this.#note(error);
      throw storageError(error, attempt, this.#location);
    }
  }
}
