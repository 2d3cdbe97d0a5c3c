import { expect, test } from "vitest";
import type { DuckDBApi, DuckDBConnection } from "../../../examples/flowforge/duckdb/duckdb-api.js";
import { DuckDBWindowQueries } from "../../../examples/flowforge/duckdb/duckdb-window-queries.js";

test("a query that is interrupted while its rows are fetched has timed out, and gives no part of them", async () => {
  let interrupt = () => {};
  const interrupted = new Promise<void>((resolve) => {
    interrupt = resolve;
  });
  const statement = {
    statementType: 1,
    bind: () => {},
    async streamAndReadUntil() {
      await interrupted;
      return { getRowObjectsJS: () => [{ first: 1 }] };
    },
    destroySync: () => {},
  };
  const connection = {
    run: async () => {},
    extractStatements: async () => ({ count: 1, prepare: async () => statement }),
    interrupt,
  };
  const api = { StatementType: { SELECT: 1 } } as unknown as DuckDBApi;
  const limits = { rows: 10, bytes: 1_000, timeMs: 5 };
  const queries = new DuckDBWindowQueries(api, connection as unknown as DuckDBConnection, limits);
  await expect(queries.query({ sql: "SELECT 1" })).rejects.toMatchObject({ code: "QUERY_TIMEOUT" });
});
