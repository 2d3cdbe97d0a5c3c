import { inspect } from "node:util";

/** Refuses what a caller without types may give. @throws TypeError */
export function checkObject(argument: string, value: unknown): void {
  if (typeof value === "object" && value !== null) return;
  throw new TypeError(`${argument} must be an object, got ${inspect(value)}.`);
}

/** @throws TypeError when it is no text, or an empty one */
export function checkDocumentId(value: unknown): void {
  if (typeof value !== "string" || value === "") throw new TypeError("documentId must be a text.");
}

/** @throws TypeError when a caller without types gives another value */
export function checkSequence(argument: string, value: unknown): void {
  if (Number.isSafeInteger(value) || value === Number.POSITIVE_INFINITY) return;
  throw new TypeError(`${argument} must be a whole number, got ${inspect(value)}.`);
}
