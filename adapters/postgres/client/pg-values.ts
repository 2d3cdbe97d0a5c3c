import type { CustomTypesConfig } from "pg";
import { DatabaseError } from "./client.js";

// The numbers of types: https://github.com/postgres/postgres/blob/master/src/include/catalog/pg_type.dat
const BOOL = 16;
const BYTEA = 17;
const INT8 = 20;
const INT2 = 21;
const INT4 = 23;
const OID = 26;
const FLOAT4 = 700;
const FLOAT8 = 701;
const NUMERIC = 1700;

const asText = (text: string): unknown => text;

/** How the library reads its own columns: bytes stay hexadecimal text, which is decoded where it is needed. */
export const LIBRARY_TYPES = typesOf((type) => {
  if (type === INT8 || type === INT4) return Number;
  return type === BYTEA ? hexadecimal : asText;
});

/** How the application's columns are read. What is no number, boolean or bytes is the text that the server writes. */
export const TABLE_TYPES = typesOf((type) => {
  switch (type) {
    case BOOL:
      return (text) => text === "t";
    case BYTEA:
      return (text) => new Uint8Array(Buffer.from(hexadecimal(text).slice(2), "hex"));
    case INT2:
    case INT4:
    case OID:
    case FLOAT4:
    case FLOAT8:
      return Number;
    case INT8:
      return wholeNumber;
    case NUMERIC:
      return exactNumber;
    default:
      return asText;
  }
});

function typesOf(parserOf: (type: number) => (text: string) => unknown): CustomTypesConfig {
  return { getTypeParser: (type: number) => parserOf(type) } as CustomTypesConfig;
}

/** A statement of the application's may have chosen the server's other way of writing bytes, in which a backslash is two. */
function hexadecimal(text: string): string {
  if (text.startsWith("\\x")) return text;
  const characters = text.replaceAll(/\\(\\|\d{3})/g, (_, escaped: string) =>
    escaped === "\\" ? escaped : String.fromCharCode(Number.parseInt(escaped, 8)),
  );
  return `\\x${Buffer.from(characters, "latin1").toString("hex")}`;
}

function wholeNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  throw inexact("a whole number");
}

/** The most significant digits that a number always holds. */
const MAX_DIGITS = 15;

function exactNumber(text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number)) return number;
  const digits = text.replace(/^-?0*\.?0*/, "").replace(".", "");
  if (Number.isFinite(number) && digits.length <= MAX_DIGITS) return number;
  throw inexact("a numeric");
}

/** Of a statement that has changed the encoding of the texts that it returns, nothing but ASCII is sure to be what it was. */
export function assertASCII(rows: readonly Record<string, unknown>[]): void {
  const isRead = (value: unknown): boolean => typeof value !== "string" || ASCII.test(value);
  if (rows.every((row) => Object.values(row).every(isRead))) return;
  const message = "it returns texts in another encoding than UTF8; set client_encoding in a statement of its own";
  throw new DatabaseError("22021", message);
}

const ASCII = /^[\0-\x7f]*$/;

function inexact(what: string): DatabaseError {
  return new DatabaseError("22003", `${what} is larger than a number holds exactly; cast it to text in the statement`);
}
