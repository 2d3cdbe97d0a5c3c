import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "../../../src/privacy/canonical-json.js";
import {
  isSealedValue,
  placeInStream,
  placeOf,
  type SealedValue,
  sealValue,
} from "../../../src/privacy/sealed-value.js";
import { SealingKey } from "../../../src/privacy/sealing-key.js";

const KEY = new SealingKey(Buffer.alloc(32, 1));
interface Place {
  readonly streamId: string;
  readonly type: string;
  readonly path: string;
}

const PLACE: Place = { streamId: "customer-1", type: "Registered", path: "data.email" };
const placeText = ({ streamId, type, path }: Place): string =>
  placeOf(streamId, { placeInStream: placeInStream(type, path) });
const seal = (value: unknown, idempotencyKey: string | null = null, place = PLACE, key = KEY) =>
  sealValue(key, "name", placeText(place), value, idempotencyKey);

function openValue(key: SealingKey, place: Place, { c: base64 }: SealedValue): { value: unknown } | undefined {
  const sealed = { place: placeText(place), base64, text: undefined as string | undefined, next: undefined };
  key.openTexts(sealed);
  return sealed.text === undefined ? undefined : { value: JSON.parse(sealed.text) };
}
const nonceIn = ({ c }: { readonly c: string }): string => Buffer.from(c, "base64").toString("hex", 0, 12);

/** Any value that comes out of JSON text. */
const jsonValue = fc.json().map((text): unknown => JSON.parse(text));
/** Texts that might run into each other where they are put together. */
const text = fc.oneof(fc.constantFrom("a", "ab", "1:a", "", "0:", "data.email"), fc.string({ unit: "grapheme" }));
const place = fc.record({ streamId: text, type: text, path: text });

describe("a sealed value", () => {
  test("opens to an equal value, whatever it is", () => {
    fc.assert(
      fc.property(jsonValue, place, fc.option(text), (value, at, idempotencyKey) => {
        const sealed = JSON.parse(JSON.stringify(seal(value, idempotencyKey, at)));
        expect(isSealedValue(sealed)).toBe(true);
        expect(openValue(KEY, at, sealed)).toEqual({ value });
      }),
    );
  });

  test("has nothing of the value in it", () => {
    const sealed = JSON.stringify(seal("ada.lovelace@example.org"));
    for (const form of ["ada.lovelace", Buffer.from("ada.lovelace").toString("base64").slice(0, 12)]) {
      expect(sealed).not.toContain(form);
    }
  });

  test("opens at no other place, and under no other key", () => {
    fc.assert(
      fc.property(place, place, (at, other) => {
        fc.pre(at.streamId !== other.streamId || at.type !== other.type || at.path !== other.path);
        expect(openValue(KEY, other, seal("value", null, at))).toBeUndefined();
      }),
    );
    expect(openValue(new SealingKey(Buffer.alloc(32, 2)), PLACE, seal("value"))).toBeUndefined();
  });

  test("does not open once a bit of it is changed, or the end is missing", () => {
    const sealed = seal({ street: "Rue de Rivoli 1" });
    const bytes = Buffer.from(sealed.c, "base64");
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      expect(openValue(KEY, PLACE, { ...sealed, c: changed.toString("base64") })).toBeUndefined();
    }
    for (let length = 0; length < bytes.length; length += 1) {
      expect(openValue(KEY, PLACE, { ...sealed, c: bytes.toString("base64", 0, length) })).toBeUndefined();
    }
  });

  test("is the same for the same keyed write, also where keys of an object are in another order", () => {
    fc.assert(
      fc.property(jsonValue, text, (value, idempotencyKey) => {
        expect(seal(value, idempotencyKey)).toEqual(seal(JSON.parse(JSON.stringify(value)), idempotencyKey));
      }),
    );
    expect(seal({ b: [1, { d: 2, c: 3 }], a: null }, "k")).toEqual(seal({ a: null, b: [1, { c: 3, d: 2 }] }, "k"));
  });

  test("without an idempotency key is another one each time", () => {
    const nonces = Array.from({ length: 100 }, () => nonceIn(seal("value")));
    expect(new Set(nonces).size).toBe(100);
  });

  test("shares its nonce with no other content, place or idempotency key", () => {
    const write = fc.record({ value: jsonValue, at: place, idempotencyKey: text });
    fc.assert(
      fc.property(fc.array(write, { minLength: 2, maxLength: 40 }), (writes) => {
        const contentOf = new Map<string, string>();
        for (const { value, at, idempotencyKey } of writes) {
          const nonce = nonceIn(seal(value, idempotencyKey, at));
          const content = JSON.stringify([canonicalJson(value), at.streamId, at.type, at.path, idempotencyKey]);
          expect(contentOf.get(nonce) ?? content).toBe(content);
          contentOf.set(nonce, content);
        }
        expect(new Set(contentOf.values()).size).toBe(contentOf.size);
      }),
    );
  });

  test("under two keys has two nonces", () => {
    const other = new SealingKey(randomBytes(32));
    expect(nonceIn(seal("value", "k"))).not.toBe(nonceIn(seal("value", "k", PLACE, other)));
  });

  test.each([
    ["null", null],
    ["a text", "@sealed"],
    ["another version", { "@sealed": 2, k: "k", c: "c" }],
    ["no name", { "@sealed": 1, c: "c" }],
    ["no content", { "@sealed": 1, k: "k" }],
  ])("is not %s", (_, value) => expect(isSealedValue(value)).toBe(false));
});

describe("canonical JSON", () => {
  test("reads back as an equal value", () => {
    fc.assert(
      fc.property(jsonValue, (value) => {
        expect(JSON.parse(canonicalJson(value))).toEqual(value);
      }),
    );
    expect(Object.is(JSON.parse(canonicalJson(-0)), -0)).toBe(true);
  });
});
