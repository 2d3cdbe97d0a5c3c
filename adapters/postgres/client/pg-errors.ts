import { ConnectionLostError, DatabaseError } from "./client.js";

/** The statement that failed, with what was bound to it. */
export interface SentStatement {
  /** Under which it is prepared. */
  readonly name?: string | undefined;
  readonly text?: string;
  readonly values?: readonly unknown[];
}

/** What the server ends a session with: connection failures, shutdowns, and as many connections as it takes. */
const ENDING = /^(08|53300$|57P0[1-5]$|25P0[34]$)/;

/** A prepared statement is not there any more, or is another's: a statement of the application's has ended it, or taken its name. */
export const NOT_PREPARED: ReadonlySet<string> = new Set(["26000", "42P05"]);

/** An error of the client in the words of the port. */
export function clientError(error: unknown, { name, text = "", values = [] }: SentStatement = {}): Error {
  if (error instanceof DatabaseError || error instanceof ConnectionLostError) return error;
  const fields = (typeof error === "object" && error !== null ? error : {}) as Readonly<Record<string, unknown>>;
  const message = typeof fields.message === "string" ? fields.message : String(error);
  if (typeof fields.code !== "string" || typeof fields.severity !== "string") return connectionLost(fields, message);
  const refused = sanitized(fields, withoutValues(message, fields.code, values, text));
  // The server says so as it ends the session. One without the library's prepared statements is of no more use, either.
  const isEnding = ENDING.test(fields.code) || (name !== undefined && NOT_PREPARED.has(fields.code));
  return isEnding ? new ConnectionLostError(refused.message, { cause: refused }) : refused;
}

function connectionLost(fields: Readonly<Record<string, unknown>>, message: string): ConnectionLostError {
  // Of several addresses that were tried, each has an error of its own.
  const first = Array.isArray(fields.errors)
    ? (fields.errors[0] as { readonly message?: unknown } | undefined)
    : undefined;
  const said = message === "" && typeof first?.message === "string" ? first.message : message;
  const code = typeof fields.code === "string" && !said.includes(fields.code) ? ` (${fields.code})` : "";
  return new ConnectionLostError(`${said}${code}`);
}

// Its details, its context and what it quotes may have values that were bound or stored.
function sanitized(fields: Readonly<Record<string, unknown>>, message: string): DatabaseError {
  const about: Record<string, string> = {};
  for (const name of ["severity", "schema", "table", "column", "constraint", "dataType"]) {
    const value = fields[name];
    if (typeof value === "string") about[name] = value;
  }
  return new DatabaseError(fields.code as string, message, about);
}

/** What a message has in quotes, which depend on the server's language, but for the name of an encoding. */
const QUOTED = /["«»„“”](?!UTF8).*["«»„“”]/su;

/** The same of one name or text. */
const EACH_QUOTED = /(["«„“])([^"«»„“”]+)(?=["»“”])/gu;

/**
 * Errors of class 22 say which value was refused. Others quote a bound text, or a part of it, that was taken for a name or a
 * statement, and functions of the application's may name any value, with a code of any class. What the statement's own text
 * has too stays.
 */
function withoutValues(message: string, code: string, values: readonly unknown[], statement: string): string {
  const isRefusal = code.startsWith("22");
  const said = isRefusal ? message.replace(/: ["\d-].*$/s, "").replace(QUOTED, '"..."') : message;
  const own = lowered(statement);
  const texts = values
    .filter((value) => typeof value === "string" || typeof value === "number")
    // The server takes a name without quotes in lower case.
    .map((value) => lowered(String(value)));
  const isOwn = (part: string) => placeOf(part, own) >= 0;
  const isOfValue = (part: string) => !isOwn(part) && texts.some((text) => text.includes(part));
  const unquoted = said.replace(EACH_QUOTED, (whole, quote: string, part: string) =>
    isOfValue(lowered(part)) ? `${quote}...` : whole,
  );
  return texts.reduce((without, text) => withoutWord(without, text, isOwn), unquoted);
}

/** In lower case, with each character where it was: of all letters, only this one would become longer. */
function lowered(text: string): string {
  return text.replaceAll("İ", "i").toLowerCase();
}

const WORD = /[\p{L}\p{N}_$]/u;

/** Where a text has another that is no part of a longer word; -1 where it has not. */
function placeOf(word: string, text: string, from = 0): number {
  for (let at = text.indexOf(word, from); at >= 0; at = text.indexOf(word, at + word.length)) {
    if (!WORD.test(text.charAt(at - 1)) && !WORD.test(text.charAt(at + word.length))) return at;
  }
  return -1;
}

/** Takes a text, in lower case, out of a message, unless it is the statement's own. */
function withoutWord(message: string, text: string, isOwn: (text: string) => boolean): string {
  const told = lowered(message);
  // There may be many values, and the statement is long then. A message has few of them.
  if (text === "" || placeOf(text, told) < 0 || isOwn(text)) return message;
  const kept: string[] = [];
  let from = 0;
  for (let at = placeOf(text, told); at >= 0; at = placeOf(text, told, from)) {
    kept.push(message.slice(from, at));
    from = at + text.length;
  }
  return [...kept, message.slice(from)].join("...");
}
