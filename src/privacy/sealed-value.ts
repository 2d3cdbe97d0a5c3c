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

/** Where a value is: it opens nowhere else. */
export interface SealedPlace {
  readonly streamId: string;
  readonly type: string;
  /** The path of the field, such as `data.email`. */
  readonly path: string;
}

/** Whether a value has the form of a sealed one. */
export function isSealedValue(value: unknown): value is SealedValue {
  if (typeof value !== "object" || value === null) return false;
  const { "@sealed": version, k, c } = value as Partial<SealedValue>;
  return version === 1 && typeof k === "string" && typeof c === "string";
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
  place: SealedPlace,
  value: unknown,
  idempotencyKey: string | null,
): SealedValue {
  const text = canonicalJson(value);
  const { streamId, type, path } = place;
  const nonce =
    idempotencyKey === null ? randomBytes(NONCE_BYTES) : key.nonceOf([streamId, type, path, idempotencyKey, text]);
  return { "@sealed": 1, k: name, c: key.seal(placeText(place), Buffer.from(text), nonce).toString("base64") };
}

/** A sealed value at its place, and the key that may open it. */
export interface ValueToOpen {
  readonly key: SealingKey;
  readonly place: SealedPlace;
  readonly sealed: SealedValue;
}

/** A value that was opened. */
export interface OpenedValue {
  readonly value: unknown;
}

/** The value again. Undefined: it is damaged, or was sealed elsewhere. */
export function openValue(key: SealingKey, place: SealedPlace, { c: base64 }: SealedValue): OpenedValue | undefined {
  return parse(key.openTexts([{ place: placeText(place), base64 }])[0]);
}

/** The same of several values. Those of one key are opened together. */
export function openValues(values: readonly ValueToOpen[]): readonly (OpenedValue | undefined)[] {
  const indexes = new Map<SealingKey, number[]>();
  for (const [index, { key }] of values.entries()) {
    const known = indexes.get(key);
    if (known === undefined) indexes.set(key, [index]);
    else known.push(index);
  }
  const opened: (OpenedValue | undefined)[] = new Array(values.length);
  for (const [key, ofKey] of indexes) {
    const texts = key.openTexts(
      ofKey.map((index) => {
        const { place, sealed } = values[index] as ValueToOpen;
        return { place: placeText(place), base64: sealed.c };
      }),
    );
    for (const [at, index] of ofKey.entries()) opened[index] = parse(texts[at]);
  }
  return opened;
}

function parse(text: string | undefined): OpenedValue | undefined {
  return text === undefined ? undefined : { value: JSON.parse(text) };
}

function placeText({ streamId, type, path }: SealedPlace): string {
  return joinParts([streamId, type, path]);
}
