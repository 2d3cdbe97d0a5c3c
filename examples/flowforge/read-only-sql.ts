import { FlowForgeError } from "./flowforge-error.js";

export const MAX_SQL_LENGTH = 65_536;

/** What a statement may begin with. The database itself refuses what such a statement would change. */
const READING = /^(?:select|with)$/i;
/** Names of tables that are no business of a window: those of async-streams. */
const INTERNAL = /^["'`[]?(?:es_|async_streams_)/i;
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
  if (tokens.some((token) => INTERNAL.test(token))) {
    throw new FlowForgeError("TABLE_NOT_ALLOWED", "A table of the store itself cannot be read.");
  }
}

function notAllowed(message: string): FlowForgeError {
  return new FlowForgeError("SQL_NOT_ALLOWED", message);
}
