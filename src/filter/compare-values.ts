import type { ParsedValue } from "../../protocols/index.js";

/**
 * Orders two values of one type: below 0, 0 or above 0; undefined between values of different types.
 *
 * Strings are ordered by code point, as SQLite and PostgreSQL's "C" order them; JavaScript's own `<` orders UTF-16
 * units, which differs above U+FFFF.
 */
export function compareValues(a: unknown, b: ParsedValue): number | undefined {
  if (a === null || b === null) return a === b ? 0 : undefined;
  if (typeof a !== typeof b) return undefined;
  if (typeof a === "string") return compareCodePoints(a, b as string);
  return Number(a) - Number(b);
}

function compareCodePoints(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index += 1) {
    const unitA = a.charCodeAt(index);
    const unitB = b.charCodeAt(index);
    if (unitA !== unitB) return codePointRank(unitA) - codePointRank(unitB);
  }
  return a.length - b.length;
}

const FIRST_SURROGATE = 0xd800;
const LAST_SURROGATE = 0xdfff;
const ABOVE_ALL_UNITS = 0x10000;

/** Surrogates encode code points above every other UTF-16 unit. */
function codePointRank(unit: number): number {
  return unit >= FIRST_SURROGATE && unit <= LAST_SURROGATE ? unit + ABOVE_ALL_UNITS : unit;
}
