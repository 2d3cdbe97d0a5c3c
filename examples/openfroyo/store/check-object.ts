import { inspect } from "node:util";

/** Refuses what a caller without types may give. @throws TypeError */
export function checkObject(what: string, value: unknown): void {
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(`${what} must be an object, got ${inspect(value)}`);
}
