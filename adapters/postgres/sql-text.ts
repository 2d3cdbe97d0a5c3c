/** A name as a part of a statement. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as a part of a statement, for those that take no parameters. */
export function quoteText(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`;
  // Without it a backslash would depend on a setting of the session.
  return text.includes("\\") ? ` E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** A text as the bytes that are stored: a text of the server has no zero character. */
export function bytesOf(text: string): Buffer {
  return Buffer.from(text, "utf8");
}

/** The text of stored bytes, which the server gives in hexadecimal digits after `\x`. */
export function textOfHex(hex: string): string {
  return Buffer.from(hex.slice(2), "hex").toString("utf8");
}

/** An array of bytes as the server reads it: as one text, which is several times faster than value by value. */
export function bytesArray(values: readonly (string | Uint8Array | null)[]): string {
  return `{${values.map((value) => (value === null ? "NULL" : `"\\\\x${hexOf(value)}"`)).join(",")}}`;
}

/** An array of texts as the server reads it. */
export function textArray(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? "NULL" : quoteElement(value))).join(",")}}`;
}

/** Separates JSON texts: no JSON has it, since strings have control characters only as escapes. */
const JSON_SEPARATOR = "\u001f";

/** JSON texts as one text, for `jsonTextsOf`. Nothing in it needs an escape, which takes most of the time of an array. */
export function joinedJson(texts: readonly (string | null)[]): string {
  return texts.join(JSON_SEPARATOR);
}

/** The array of a text of `joinedJson`, as an expression of the server's. */
export function jsonTextsOf(parameter: string): string {
  return `string_to_array(${parameter}, chr(${JSON_SEPARATOR.charCodeAt(0)}), '')`;
}

/** An array of numbers or booleans as the server reads it. */
export function plainArray(values: readonly (number | boolean | null)[]): string {
  return `{${values.map((value) => value ?? "NULL").join(",")}}`;
}

/** Null in place of an array of nothing but nulls: unnest makes the same of it. */
export function unlessEmpty<T>(
  values: readonly (T | null)[],
  write: (values: readonly (T | null)[]) => string,
): string | null {
  return values.some((value) => value !== null) ? write(values) : null;
}

function quoteElement(text: string): string {
  return `"${/["\\]/.test(text) ? text.replaceAll(/["\\]/g, "\\$&") : text}"`;
}

function hexOf(value: string | Uint8Array): string {
  if (typeof value === "string") return Buffer.from(value, "utf8").toString("hex");
  return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("hex");
}

/** A text as bytes, as a part of a statement. */
export function bytesLiteral(text: string): string {
  return `decode('${hexOf(text)}', 'hex')`;
}
