import { expect, test, vi } from "vitest";
import type { DuckDBApi, DuckDBConnection } from "../../../examples/flowforge/duckdb/duckdb-api.js";
import { DuckDBWindowQueries } from "../../../examples/flowforge/duckdb/duckdb-window-queries.js";

const API = { StatementType: { SELECT: 1 } } as unknown as DuckDBApi;
const LIMITS = { rows: 10, bytes: 1_000, timeMs: 5 };
const STUCK_AFTER_MS = 10;

/** A connection whose statements give rows when a promise resolves. */
function connectionOf(rowsReady: () => Promise<void>, interrupt: () => void): DuckDBConnection {
  const statement = {
    statementType: 1,
    bind: () => {},
    async streamAndReadUntil() {
      await rowsReady();
      return { getRowObjectsJS: () => [{ first: 1 }] };
    },
    destroySync: () => {},
  };
  const connection = {
    run: async () => {},
    extractStatements: async () => ({ count: 1, prepare: async () => statement }),
    interrupt,
    closeSync: () => {},
  };
  return connection as unknown as DuckDBConnection;
}

test("a query that is interrupted while its rows are fetched has timed out, and gives no part of them", async () => {
  const { promise, resolve } = newPromise();
  const connection = connectionOf(() => promise, resolve);
  const queries = new DuckDBWindowQueries(API, connection, LIMITS);
  await expect(queries.query({ sql: "SELECT 1" })).rejects.toMatchObject({ code: "QUERY_TIMEOUT" });
});

test("a query that cannot be interrupted is answered, and others are refused until it ends", async () => {
  const { promise, resolve } = newPromise();
  const connection = connectionOf(
    () => promise,
    () => {},
  );
  const queries = new DuckDBWindowQueries(API, connection, LIMITS, STUCK_AFTER_MS);
  const stuck = queries.query({ sql: "SELECT 1" });
  const waiting = queries.query({ sql: "SELECT 1" });
  await expect(stuck).rejects.toMatchObject({ code: "QUERY_TIMEOUT" });
  await expect(waiting).rejects.toMatchObject({ code: "BUSY" });
  resolve();
  const answered = () => queries.query({ sql: "SELECT 1" });
  await vi.waitFor(async () => expect(await answered()).toEqual([{ first: 1 }]));
});

test("a database closes, although a query cannot be interrupted", async () => {
  const connection = connectionOf(
    () => new Promise(() => {}),
    () => {},
  );
  const queries = new DuckDBWindowQueries(API, connection, LIMITS, STUCK_AFTER_MS);
  await expect(queries.query({ sql: "SELECT 1" })).rejects.toMatchObject({ code: "QUERY_TIMEOUT" });
  await queries.close();
});

function newPromise(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {};
  const promise = new Promise<void>((resolvePromise) => {
    resolve = resolvePromise;
  });
  return { promise, resolve };
}
