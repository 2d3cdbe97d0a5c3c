import type { Records, SQLName } from "../../protocols/index.js";
import { name } from "../transaction/sql-statement.js";
import { TransactionRecords } from "../transaction/transaction-records.js";
import { buildRecords } from "./build-records.js";
import { checkPlainName } from "./definition.js";
import type { ModelTransaction } from "./model-store.js";
import type { ProjectionContext } from "./projection.js";
import { type Build, type Spaces, tableName } from "./projection-records.js";
import { assertNotOfOthers, type TablesOfOthers } from "./tables-of-others.js";

const NO_TABLES: TablesOfOthers = new Map();

/** What a projection works with: tables and records of one build. */
export class VersionedContext implements ProjectionContext {
  readonly sql: ProjectionContext["sql"];
  readonly records: Records;
  /** The store, for messages. */
  readonly location: string | undefined;
  /** Whether the store has SQL. */
  readonly hasSQL: boolean;
  readonly #build: Build;
  readonly #tables = new Set<string>();
  readonly #others: TablesOfOthers;

  /** @param others - the tables that it may not have, where it makes its own */
  constructor(tx: ModelTransaction, build: Build, spaces: Spaces, others = NO_TABLES) {
    this.sql = tx.sql;
    this.hasSQL = tx.hasSQL;
    this.location = tx.location;
    this.#build = build;
    this.#others = others;
    this.records = checked(buildRecords(tx.records, spaces, build));
  }

  /** The plain names that were asked for. */
  get tables(): readonly string[] {
    return [...this.#tables];
  }

  // It is taken out of the context, as `sql` is.
  readonly table = (plainName: string): SQLName => {
    checkPlainName("table", plainName);
    assertNotOfOthers(this.#others, plainName, this.#build, this.location);
    this.#tables.add(plainName);
    return name(tableName(plainName, this.#build));
  };
}

/** Whether a projection may have tables. */
export function hasTables(context: ProjectionContext): boolean {
  return !(context instanceof VersionedContext) || context.hasSQL;
}

/** What a projection stores is checked as it is in a transaction of the application. */
function checked(records: Records): Records {
  return new TransactionRecords(records, { run: async (_attempt, call) => call() });
}
