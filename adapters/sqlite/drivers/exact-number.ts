import type { SQLiteValue } from "./driver.js";

/** A whole number as a number. @throws Error when a number cannot hold it exactly */
export function exactNumber(column: string, value: bigint): number {
  if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) return Number(value);
  throw inexactNumber(undefined, ` in column "${column}"`);
}

/** Says that a row has a whole number that a number cannot hold exactly. */
export function inexactNumber(cause: unknown, where = ""): Error {
  const message = `a whole number${where} is beyond 2^53 and would be rounded; select it as text, with CAST(... AS TEXT)`;
  return new Error(message, { cause });
}

/** Values to bind, whole numbers as what SQLite calls integers: as a number it would store 1 in a text column as "1.0". */
export function withIntegers(values: readonly SQLiteValue[]): readonly (SQLiteValue | bigint)[] {
  return values.map((value) => (Number.isSafeInteger(value) ? BigInt(value as number) : value));
}
