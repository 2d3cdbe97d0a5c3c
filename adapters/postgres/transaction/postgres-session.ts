import type { AppendRequest, AppendResult, EventPage, ReadQuery, RequestOutcome } from "../../../protocols/index.js";
import type { GroupSession, PartOutcome } from "../../../src/adapter-kit/append-together.js";
import type { Commit } from "../../../src/adapter-kit/commit-feed.js";
import { attemptOf } from "../../../src/transaction/write-all.js";
import type { AppendOutcome } from "../append/append-member.js";
import { AppendRun, type StoringContext } from "../append/append-run.js";
import type { PostgresConnection } from "../client/client.js";
import type { Session } from "../open/session.js";
import { errorBehindStatements, storageError } from "../postgres-errors.js";
import { readPageInTransaction } from "../read/read-page.js";
import { TableStatements } from "../tables/table-statements.js";
import { PostgresRecords } from "./postgres-records.js";
import { type OwnSettings, SessionSettings } from "./session-settings.js";

/**
 * Ends a part. Deferred constraints are checked while it can still be undone alone. Rolling back to `es_check` makes them
 * deferred again, for the parts that follow.
 */
const releaseAfter = (check: string): string => `
  SAVEPOINT es_check; ${check} ROLLBACK TO SAVEPOINT es_check;
  RELEASE SAVEPOINT es_check; RELEASE SAVEPOINT es_part`;

const CHECK = "SET CONSTRAINTS ALL IMMEDIATE;";

const UNDO = "ROLLBACK TO SAVEPOINT es_part; RELEASE SAVEPOINT es_part";

/** What an earlier part of the transaction has left would reach this one, which needs a transaction of its own. */
export class PartRefusedError extends Error {
  override readonly name = "PartRefusedError";
}

/** An open transaction as its callback uses it. It holds the lock. */
export class PostgresSession implements GroupSession {
  readonly head: number;
  readonly records: PostgresRecords;
  readonly sql: TableStatements;
  readonly connection: PostgresConnection;
  /** What it has stored, to be published after the commit. */
  readonly commits: Commit[] = [];
  readonly #context: StoringContext;
  readonly #settings: SessionSettings;
  readonly #resetScript: () => string;
  readonly #commitSettings: string;

  /** @param resetScript - makes statements that end what those of the application have left for the next part */
  constructor(
    connection: PostgresConnection,
    head: number,
    context: StoringContext,
    session: OwnSettings & Pick<Session, "commitSettings">,
    resetScript: () => string,
  ) {
    this.connection = connection;
    // What it reads may be its own and be undone. The lock keeps the store from being replaced. The commit notifies.
    this.#context = { ...context, notify: false, marks: { epoch: context.history.epoch, take: async () => undefined } };
    this.#settings = new SessionSettings(connection, session);
    this.#commitSettings = session.commitSettings;
    this.#resetScript = resetScript;
    this.head = head;
    this.records = new PostgresRecords(connection, context.names, context.location, this.#saying.bind(this));
    this.sql = new TableStatements(connection, context.names, context.location, this.#settings);
  }

  async append(request: AppendRequest): Promise<AppendResult> {
    const [outcome] = await this.appendEach([request]);
    if (outcome === undefined || "error" in outcome) throw outcome?.error;
    return outcome.result;
  }

  async appendEach(requests: readonly AppendRequest[]): Promise<readonly RequestOutcome[]> {
    const outcomes: RequestOutcome[] = [];
    const entries = requests.map((member, index) => ({
      member,
      settle: (outcome: AppendOutcome): void => {
        // A unit has several results; these are no units.
        outcomes[index] = outcome as RequestOutcome;
      },
    }));
    const run = new AppendRun(entries, this.#context, true, (commit) => this.commits.push(commit));
    await this.#saying(attemptOf(requests), () => run.run(this.connection));
    return outcomes;
  }

  /** Runs a part of the transaction, which is undone alone. Rejects when the transaction is lost with it. */
  async runPart(work: (session: GroupSession) => Promise<readonly RequestOutcome[]>): Promise<PartOutcome> {
    const commits = this.commits.length;
    const before = this.#settings.state;
    if (!(await this.#beginPart())) return { undoneBy: new PartRefusedError() };
    try {
      const outcomes = await work(this);
      await this.connection.script(releaseAfter(this.sql.wasUsed ? this.#settings.around(CHECK) : CHECK));
      return { outcomes };
    } catch (undoneBy) {
      if (!this.connection.isOpen) throw undoneBy;
      await this.connection.script(UNDO);
      this.#settings.restore(before);
      this.commits.length = commits;
      return { undoneBy };
    }
  }

  /** @returns whether what earlier parts have left could be ended: not a temporary table whose triggers wait for the commit */
  async #beginPart(): Promise<boolean> {
    try {
      await this.connection.script(`SAVEPOINT es_part; ${this.sql.wasUsed ? this.#resetScript() : ""}`);
      this.#settings.begin();
      return true;
    } catch (error) {
      if (!this.connection.isOpen) throw error;
      await this.connection.script(UNDO);
      return false;
    }
  }

  /** Statements before those that the library ends the transaction with. What waits for the end is the application's. */
  endScript(): string {
    if (!this.sql.wasUsed) return "";
    const waiting = this.#settings.around(CHECK);
    // A warning of the application's would be taken for one of the commit.
    return `SET LOCAL client_min_messages TO error; ${waiting} ${this.#commitSettings}`;
  }

  readPage(query: ReadQuery): Promise<EventPage> {
    return this.#saying(`read stream "${query.streamId}"`, () =>
      readPageInTransaction(this.connection, this.#context, query),
    );
  }

  runScript(script: string): Promise<void> {
    return this.sql.runScript(script);
  }

  async #saying<T>(attempt: string, task: () => Promise<T>): Promise<T> {
    try {
      return await this.#settings.asLibrary(task);
    } catch (error) {
      const { location } = this.#context;
      throw this.sql.wasUsed ? errorBehindStatements(error, attempt, location) : storageError(error, attempt, location);
    }
  }
}
