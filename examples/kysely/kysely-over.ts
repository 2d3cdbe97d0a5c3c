import { rawSQL, type SQL, type SQLValue } from "async-streams";
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";

/** What Kysely runs its statements with: `tx.sql`, or `{ all: (statement) => streams.query(statement) }`, which only reads. */
export type Tables = Pick<SQL, "all"> & Partial<Pick<SQL, "run">>;

/** Kysely over the application's tables. It compiles the statements; the store runs them. */
export function kyselyOver<Database>(tables: Tables): Kysely<Database> {
  const connection: DatabaseConnection = {
    async executeQuery<Row>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<Row>> {
      const statement = rawSQL(sql, parameters as SQLValue[]);
      const changesOnly = /^(Insert|Update|Delete)QueryNode$/.test(query.kind) && !("returning" in query);
      if (!changesOnly || tables.run === undefined) return { rows: await tables.all<Row>(statement) };
      return { rows: [], numAffectedRows: BigInt((await tables.run(statement)).changes) };
    },
    // biome-ignore lint/correctness/useYield: every answer comes at once
    async *streamQuery() {
      throw new Error("Call execute() instead of stream()");
    },
  };
  const refuse = () => Promise.reject(new Error("Call streams.transaction() instead of Kysely's transaction()"));
  const driver: Driver = {
    init: async () => undefined,
    acquireConnection: async () => connection,
    releaseConnection: async () => undefined,
    beginTransaction: refuse,
    commitTransaction: refuse,
    rollbackTransaction: refuse,
    destroy: async () => undefined,
  };
  return new Kysely({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createDriver: () => driver,
      createIntrospector: (db) => new SqliteIntrospector(db),
      createQueryCompiler: () => new SqliteQueryCompiler(),
    },
  });
}
