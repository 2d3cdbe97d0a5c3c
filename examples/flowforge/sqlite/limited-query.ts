import { isStreamError, rawSQL, type TransactionalStreamFactory } from "async-streams";
import { databaseClosed, FlowForgeError } from "../flowforge-error.js";
import type { QueryArgs, QueryLimits, Row } from "../ports.js";
import { checkResult, queryFailed, timedOut } from "../query-result.js";
import { checkReadOnlySql } from "../read-only-sql.js";
import { columnValue } from "../upsert-statements.js";
import { withExactNumbers } from "./exact-numbers.js";

/**
 * Runs a statement that reads, on a connection that cannot write, and interrupts it at its time limit.
 *
 * @throws FlowForgeError
 */
export async function limitedQuery(
  streams: TransactionalStreamFactory,
  { sql, params = [] }: QueryArgs,
  limits: QueryLimits,
): Promise<Row[]> {
  checkReadOnlySql(sql);
  const signal = AbortSignal.timeout(limits.timeMs);
  try {
    const rows = await streams.query(rawSQL(sql, params.map(columnValue)), { signal });
    checkResult(rows, limits);
    return withExactNumbers(rows);
  } catch (error) {
    if (error instanceof FlowForgeError) throw error;
    if (signal.aborted) throw timedOut(limits);
    if (isStreamError(error, "STREAM_CLOSED")) throw databaseClosed(error);
    if (isStreamError(error, "STORAGE_READ_ONLY")) {
      throw new FlowForgeError("SQL_NOT_ALLOWED", "Only statements that read are allowed.", { cause: error });
    }
    throw queryFailed(error);
  }
}
