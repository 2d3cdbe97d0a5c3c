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
