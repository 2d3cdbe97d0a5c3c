import type { Records, SQLName } from "../../protocols/index.js";
import { name } from "../transaction/sql-statement.js";
import { invalidArgument } from "../validate/check-arguments.js";
import { checkPlainName } from "./definition.js";
import type { ModelTransaction } from "./model-store.js";
import type { ProjectionContext } from "./projection.js";
import { type Build, buildKey, tableName } from "./projection-records.js";

/** What a projection works with: tables and records of one build. */
export class VersionedContext implements ProjectionContext {
  readonly sql: ProjectionContext["sql"];
  readonly records: Records;
  /** Whether the store has SQL. */
  readonly hasSQL: boolean;
  readonly #build: Build;
  readonly #tables = new Set<string>();

  constructor(tx: ModelTransaction, build: Build, prefix: string) {
    this.sql = tx.sql;
    this.hasSQL = tx.hasSQL;
    this.#build = build;
    this.records = recordsOf(tx.records, `${prefix}${buildKey(build)}/`);
  }

  /** The plain names that were asked for. */
  get tables(): readonly string[] {
    return [...this.#tables];
  }

  // It is taken out of the context, as `sql` is.
  readonly table = (plainName: string): SQLName => {
    checkPlainName("table", plainName);
    this.#tables.add(plainName);
    return name(tableName(plainName, this.#build));
  };
}

/** Whether a projection may have tables. */
export function hasTables(context: ProjectionContext): boolean {
  return !(context instanceof VersionedContext) || context.hasSQL;
}

/** The records of spaces whose names begin so: nobody else has them. */
function recordsOf(records: Records, prefix: string): Records {
  const inSpace = (space: unknown): string => {
    if (typeof space !== "string" || space === "") throw invalidArgument("space", "expected a non-empty string");
    return prefix + space;
  };
  return {
    get: async (space, key) => records.get(inSpace(space), key),
    put: async (space, key, value, expected) => records.put(inSpace(space), key, value, expected),
    delete: async (space, key, expected) => records.delete(inSpace(space), key, expected),
    list: async (space, options) => records.list(inSpace(space), options),
  };
}
