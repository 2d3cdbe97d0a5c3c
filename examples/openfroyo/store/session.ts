import type { SQL, SQLStatement, Transaction } from "async-streams";
import type { Row } from "./rows.js";
import type { Streams } from "./store-backend.js";
import { attempt } from "./store-error.js";
import type { Watchdog } from "./watchdog.js";

/** How operations reach the store: each in a transaction of its own, or all in one that is open. */
export interface Session {
  now(): Date;
  /** @param what - for errors and metrics, such as "create run" */
  change<T>(what: string, work: (tx: Transaction, tables: SQL) => Promise<T>): Promise<T>;
  read<T>(what: string, work: (all: (statement: SQLStatement) => Promise<Row[]>) => Promise<T>): Promise<T>;
}

/** Each change is a transaction of its own, and reads wait for nobody. */
export class StoreSession implements Session {
  readonly #streams: () => Streams;
  readonly #watchdog: Watchdog;
  readonly now: () => Date;

  constructor(streams: () => Streams, watchdog: Watchdog, now: () => Date) {
    this.#streams = streams;
    this.#watchdog = watchdog;
    this.now = now;
  }

  change<T>(what: string, work: (tx: Transaction, tables: SQL) => Promise<T>): Promise<T> {
    return this.#watchdog.time(what, () =>
      attempt(what, async () => this.#streams().transaction((tx) => work(tx, this.#watchdog.watched(tx.sql)))),
    );
  }

  read<T>(what: string, work: (all: (statement: SQLStatement) => Promise<Row[]>) => Promise<T>): Promise<T> {
    const all = (statement: SQLStatement) =>
      this.#watchdog.statement(statement, () => this.#streams().query<Row>(statement));
    return this.#watchdog.time(what, () => attempt(what, () => work(all)));
  }
}

/** Everything happens in one open transaction. */
export class TransactionSession implements Session {
  readonly #tx: Transaction;
  readonly #watchdog: Watchdog;
  readonly now: () => Date;

  constructor(tx: Transaction, watchdog: Watchdog, now: () => Date) {
    this.#tx = tx;
    this.#watchdog = watchdog;
    this.now = now;
  }

  change<T>(what: string, work: (tx: Transaction, tables: SQL) => Promise<T>): Promise<T> {
    const tables = this.#watchdog.watched(this.#tx.sql);
    return this.#watchdog.time(what, () => attempt(what, () => work(this.#tx, tables)));
  }

  read<T>(what: string, work: (all: (statement: SQLStatement) => Promise<Row[]>) => Promise<T>): Promise<T> {
    return this.change(what, (_, tables) => work((statement) => tables.all<Row>(statement)));
  }
}
