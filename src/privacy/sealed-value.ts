import { randomBytes } from "node:crypto";
import { canonicalJson } from "./canonical-json.js";
import { joinParts, type SealingKey } from "./sealing-key.js";
import { NONCE_BYTES } from "./short-values.js";

/** A personal field as it is stored, in the field's place. */
export interface SealedValue {
  /** The version of this form. */
  readonly "@sealed": 1;
  /** The hashed name of the person whose key sealed it. */
  readonly k: string;
  /** What is sealed, in base64. */
  readonly c: string;
}

/** Whether a value has the form of a sealed one. */
export function isSealedValue(value: unknown): value is SealedValue {
  if (typeof value !== "object" || value === null) return false;
  const { "@sealed": version, k, c } = value as Partial<SealedValue>;
  return version === 1 && typeof k === "string" && typeof c === "string";
}

/**
 * What stands for a value that was sealed and has lost that form: it opens with no key. At a personal field nothing else has
 * this mark, since what is written there is sealed.
 */
export function withoutForm(value: unknown): SealedValue | undefined {
  const isMarked = typeof value === "object" && value !== null && Object.hasOwn(value, "@sealed");
  return isMarked ? { "@sealed": 1, k: "", c: "" } : undefined;
}

/** Where a value is, which is authenticated with it: it opens nowhere else. */
export function placeOf(streamId: string, { placeInStream }: { readonly placeInStream: string }): string {
  return `${streamId.length}:${streamId}${placeInStream}`;
}

/** The part of it that the event type and the path of the field are. */
export function placeInStream(type: string, path: string): string {
  return joinParts([type, path]);
}

/** The places of a field. It keeps the last one: a page is mostly of one stream, and one text is found faster than its like. */
export function placesOf(type: string, path: string): (streamId: string) => string {
  const field = { placeInStream: placeInStream(type, path) };
  let lastId: string | undefined;
  let last = "";
  return (streamId) => {
    if (streamId !== lastId) last = placeOf(streamId, field);
    lastId = streamId;
    return last;
  };
}

/**
 * Seals a value. With an idempotency key, the same value at the same place becomes the same bytes, so that a repeated write is
 * recognised. Without one the nonce is random.
 *
 * @param name - the hashed name of the person
 */
export function sealValue(
  key: SealingKey,
  name: string,
  place: string,
  value: unknown,
  idempotencyKey: string | null,
): SealedValue {
  const text = canonicalJson(value);
  const nonce = idempotencyKey === null ? randomBytes(NONCE_BYTES) : key.nonceOf([place, idempotencyKey, text]);
  return { "@sealed": 1, k: name, c: key.seal(place, Buffer.from(text), nonce).toString("base64") };
}
