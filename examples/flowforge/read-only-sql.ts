import { FlowForgeError } from "./flowforge-error.js";

export const MAX_SQL_LENGTH = 65_536;

/** What a statement may begin with. The database itself refuses what such a statement would change. */
const READING = /^(?:select|with)$/i;
/** Beginnings of names: tables of the store, and what tells of the file, changes settings, or runs a text as SQL. */
const RESERVED = [
  ...["es_", "async_streams_", "sqlite_sequence"],
  ...["pragma_", "duckdb_", "pg_", "dbstat", "sqlite_dbpage", "current_setting", "database_", "storage_info"],
  ...["enable_", "disable_", "verify_", "truncate_", "(?:force_)?checkpoint", "copy_database", "import_database"],
  ...["query_table", "json_execute_", '"?query["\\s]*(?:\\(|--|/\\*)'],
];
/**
 * Found in strings and comments too: SQLite and DuckDB differ in where those end, so that what is a string for one is a name for
 * the other. A value goes into the parameters.
 */
const RESERVED_NAME = new RegExp(`(?<![\\p{L}\\p{N}_$])(?:${RESERVED.join("|")})`, "iu");
/** Comments, strings and quoted names up to their end or that of the text, words, and single characters. */
const TOKENS =
  /--[^\n]*|\/\*[\s\S]*?(?:\*\/|$)|'[^']*(?:'|$)|"[^"]*(?:"|$)|`[^`]*(?:`|$)|\[[^\]]*(?:\]|$)|[\p{L}_][\p{L}\p{N}_$]*|\S/gu;

/**
 * Refuses what a window may not run, before the database sees it.
 *
 * @throws FlowForgeError `SQL_NOT_ALLOWED` or `TABLE_NOT_ALLOWED`
 */
export function checkReadOnlySql(sql: string): void {
  if (sql.length > MAX_SQL_LENGTH) throw notAllowed(`A statement has at most ${MAX_SQL_LENGTH} characters.`);
  if (sql.includes("\0")) throw notAllowed("A statement has no NUL.");
  const tokens = (sql.match(TOKENS) ?? []).filter((token) => !token.startsWith("--") && !token.startsWith("/*"));
  if (!READING.test(tokens[0] ?? "")) throw notAllowed("Only SELECT statements are allowed.");
  const end = tokens.indexOf(";");
  if (end >= 0 && end < tokens.length - 1) throw notAllowed("Only one statement is allowed.");
  if (RESERVED_NAME.test(sql)) throw new FlowForgeError("TABLE_NOT_ALLOWED", "The statement has a reserved name.");
}

function notAllowed(message: string): FlowForgeError {
  return new FlowForgeError("SQL_NOT_ALLOWED", message);
}
