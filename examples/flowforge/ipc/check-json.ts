import { invalidArgument } from "../flowforge-error.js";

/** As JSON text, roughly. */
export const MAX_JSON_BYTES = 1024 * 1024;
const MAX_DEPTH = 64;
const VALUE_BYTES = 8;
/** A key by which a careless program would change the prototype of all objects. */
const DANGEROUS_KEYS: ReadonlySet<string> = new Set(["__proto__", "constructor", "prototype"]);

/**
 * Checks a value of a window: JSON of limited size and depth. It stops at the first thing that is too much, so that a huge value
 * costs no more than the limit.
 *
 * @throws FlowForgeError `INVALID_ARGUMENT`
 */
export function checkJson(name: string, value: unknown): void {
  let bytesLeft = MAX_JSON_BYTES;
  const take = (bytes: number) => {
    bytesLeft -= bytes;
    if (bytesLeft < 0) throw invalidArgument(`${name} has more than ${MAX_JSON_BYTES} bytes.`);
  };
  const visit = (part: unknown, depth: number): void => {
    if (depth > MAX_DEPTH) throw invalidArgument(`${name} is nested more than ${MAX_DEPTH} levels deep.`);
    take(VALUE_BYTES);
    if (part === null || typeof part === "boolean" || (typeof part === "number" && Number.isFinite(part))) return;
    if (typeof part === "string") take(part.length);
    else if (Array.isArray(part)) {
      take(part.length * VALUE_BYTES);
      for (const item of part) visit(item, depth + 1);
    } else if (isPlainObject(part)) {
      for (const [key, item] of Object.entries(part)) {
        if (DANGEROUS_KEYS.has(key)) throw invalidArgument(`${name} has the key ${key}.`);
        take(key.length);
        visit(item, depth + 1);
      }
    } else throw invalidArgument(`${name} has something that is no JSON: ${typeof part}.`);
  };
  visit(value, 0);
}

export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== "object" || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
