import { createHash } from "node:crypto";
import type { JsonValue } from "async-streams";
import type { LogRecord } from "./log-record.js";

/**
 * How many records were seen, and a hash over all of them in their order. Two tallies that agree have seen the same,
 * and a tally stays small however many records it sees.
 */
export class Tally {
  #count = 0;
  #hash = "";

  get count(): number {
    return this.#count;
  }

  /** @param fingerprint - of the next record, made by {@link fingerprintOf} */
  add(fingerprint: string): void {
    this.#count += 1;
    this.#hash = sha256(this.#hash + fingerprint);
  }

  equals(other: Tally | undefined): boolean {
    return other !== undefined && this.#count === other.#count && this.#hash === other.#hash;
  }
}

/** A short text that is the same for equal records, and for no others. */
export function fingerprintOf(record: LogRecord): string {
  const { case: caseName, activity, timestamp, lifecycle = null, resource = null, attributes } = record;
  return sha256(JSON.stringify([caseName, activity, timestamp, lifecycle, resource, sortKeys(attributes)]));
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}

/** The keys of an object have no order, so they get one before they are hashed; a mark tells an object from an array. */
function sortKeys(value: JsonValue): JsonValue {
  if (typeof value !== "object" || value === null) return value;
  if (isArray(value)) return ["[", ...value.map(sortKeys)];
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return ["{", ...entries.flatMap(([key, item]) => [key, sortKeys(item)])];
}

/** `Array.isArray` does not tell read-only arrays from other objects. */
function isArray(value: JsonValue & object): value is readonly JsonValue[] {
  return Array.isArray(value);
}
