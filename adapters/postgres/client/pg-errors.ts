import { ConnectionLostError, DatabaseError } from "./client.js";

/** What the server ends a session with: connection failures, shutdowns, and as many connections as it takes. */
const ENDING = /^(08|53300$|57P0[1-5]$|25P0[34]$)/;

/**
 * An error of the client in the words of the port.
 *
 * @param values - what was bound to the statement
 */
export function clientError(error: unknown, values: readonly unknown[] = []): Error {
  if (error instanceof DatabaseError || error instanceof ConnectionLostError) return error;
  const fields = (typeof error === "object" && error !== null ? error : {}) as Readonly<Record<string, unknown>>;
  const message = typeof fields.message === "string" ? fields.message : String(error);
  if (typeof fields.code !== "string" || typeof fields.severity !== "string") return connectionLost(fields, message);
  // The server says so as it ends the session.
  if (ENDING.test(fields.code)) return new ConnectionLostError(message, { cause: sanitized(fields, message, values) });
  return sanitized(fields, message, values);
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
function sanitized(
  fields: Readonly<Record<string, unknown>>,
  message: string,
  values: readonly unknown[],
): DatabaseError {
  const about: Record<string, string> = {};
  for (const name of ["severity", "schema", "table", "column", "constraint", "dataType"]) {
    const value = fields[name];
    if (typeof value === "string") about[name] = value;
  }
  const code = fields.code as string;
  return new DatabaseError(code, withoutValues(message, code, values), about);
}

/** What a message has in quotes, which depend on the server's language, but for the name of an encoding. */
const QUOTED = /["«»„“”](?!UTF8).*["«»„“”]/su;

/** Errors of class 22 say which value was refused. Those of class 42 quote one that was taken for a name. */
function withoutValues(message: string, code: string, values: readonly unknown[]): string {
  if (code.startsWith("22")) return message.replace(/: ["\d-].*$/s, "").replace(QUOTED, '"..."');
  if (!code.startsWith("42")) return message;
  const texts = values.filter((value) => typeof value === "string" && value !== "") as string[];
  // A name has no capital letters any more.
  const told = texts.flatMap((text) => [text, text.toLowerCase()]);
  return told.reduce((without, text) => without.replaceAll(`"${text}"`, '"..."'), message);
}
