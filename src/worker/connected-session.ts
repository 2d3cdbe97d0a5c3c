import type { AppendRequest, ReadQuery, Records, SQL, SQLStatement, StorageSession } from "../../protocols/index.js";
import type { SessionRequest } from "./connection.js";
import { appendMessage, statementMessage } from "./exact-bytes.js";
import type { SessionDescription } from "./messages.js";

/** A transaction of the store's thread: each call is a message. */
export function connectedSession(begun: SessionDescription, request: SessionRequest): StorageSession {
  const { head, dialect, runsScripts } = begun;
  const records: Records = {
    get: (space, key) => request("records.get", [space, key]),
    put: (space, key, value, expected) => request("records.put", [space, key, value, expected]),
    delete: (space, key, expected) => request("records.delete", [space, key, expected]),
    list: (space, options) => request("records.list", [space, options]),
  };
  return {
    head,
    records,
    append: (append: AppendRequest) => request("append", [appendMessage(append)]),
    readPage: (query: ReadQuery) => request("readPage", [query]),
    ...(dialect !== undefined && { sql: sqlOf(dialect, request) }),
    ...(runsScripts && { runScript: (script: string) => request("runScript", [script]) }),
  };
}

function sqlOf(dialect: SQL["dialect"], request: SessionRequest): SQL {
  return {
    dialect,
    run: (statement: SQLStatement) => request("sql.run", [statementMessage(statement)]),
    all: (statement: SQLStatement) => request("sql.all", [statementMessage(statement)]),
  };
}
