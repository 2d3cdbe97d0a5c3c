import type { SQLiteValue } from "./driver.js";

/**
 * Makes the whole numbers of a row, which are BigInts, numbers.
 *
 * @throws Error when a number cannot hold one exactly
 */
export function withNumbers<Row>(row: Row): Row {
  const values = row as Record<string, unknown>;
  for (const [column, value] of Object.entries(values)) {
    if (typeof value === "bigint") values[column] = exactNumber(column, value);
  }
  return row;
}

function exactNumber(column: string, value: bigint): number {
  if (value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER) return Number(value);
  const where = `a whole number in column "${column}"`;
  throw new Error(`${where} is beyond 2^53 and would be rounded; select it as text, with CAST(... AS TEXT)`);
}

/** Values to bind, whole numbers as what SQLite calls integers: as a number it would store 1 in a text column as "1.0". */
export function withIntegers(values: readonly SQLiteValue[]): readonly (SQLiteValue | bigint)[] {
  return values.map((value) => (Number.isSafeInteger(value) ? BigInt(value as number) : value));
}
