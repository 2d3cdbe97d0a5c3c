import { ConnectionLostError, DatabaseError } from "./client.js";

/** The statement that failed, with what was bound to it. */
interface SentStatement {
  readonly text?: string;
  readonly values?: readonly unknown[];
}

/** What the server ends a session with: connection failures, shutdowns, and as many connections as it takes. */
const ENDING = /^(08|53300$|57P0[1-5]$|25P0[34]$)/;

/** An error of the client in the words of the port. */
export function clientError(error: unknown, { text = "", values = [] }: SentStatement = {}): Error {
  if (error instanceof DatabaseError || error instanceof ConnectionLostError) return error;
  const fields = (typeof error === "object" && error !== null ? error : {}) as Readonly<Record<string, unknown>>;
  const message = typeof fields.message === "string" ? fields.message : String(error);
  if (typeof fields.code !== "string" || typeof fields.severity !== "string") return connectionLost(fields, message);
  const refused = sanitized(fields, withoutValues(message, fields.code, values, text));
  // The server says so as it ends the session.
  return ENDING.test(fields.code) ? new ConnectionLostError(refused.message, { cause: refused }) : refused;
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
 * statement, and functions of the application's may name any value. What the statement's own text has too stays.
 */
function withoutValues(message: string, code: string, values: readonly unknown[], statement: string): string {
  if (code.startsWith("22")) return message.replace(/: ["\d-].*$/s, "").replace(QUOTED, '"..."');
  const own = statement.toLowerCase();
  const texts = values
    .filter((value) => typeof value === "string" || typeof value === "number")
    // The server takes a name without quotes in lower case.
    .map((value) => String(value).toLowerCase());
  const isOwn = (part: string) => withoutWord(own, part) !== own;
  const isOfValue = (part: string) => !isOwn(part) && texts.some((text) => text.includes(part));
  const unquoted = message.replace(EACH_QUOTED, (whole, quote: string, part: string) =>
    isOfValue(part.toLowerCase()) ? `${quote}...` : whole,
  );
  return texts
    .filter((text) => text !== "" && !isOwn(text))
    .reduce((without, text) => withoutWord(without, text), unquoted);
}

const WORD = /[\p{L}\p{N}_$]/u;

/** Takes a text, in lower case, out of a message, where it is no part of a longer word. */
function withoutWord(message: string, text: string, from = 0): string {
  const at = message.toLowerCase().indexOf(text, from);
  if (at < 0) return message;
  const end = at + text.length;
  if (WORD.test(message.charAt(at - 1)) || WORD.test(message.charAt(end))) return withoutWord(message, text, end);
  return withoutWord(`${message.slice(0, at)}...${message.slice(end)}`, text, at + 3);
}
