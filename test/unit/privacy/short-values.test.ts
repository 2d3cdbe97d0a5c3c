import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SealingKey } from "../../../src/privacy/sealing-key.js";

const text = fc.string({ unit: "grapheme", maxLength: 300 });
/** Some come again, so many that a key forgets others meanwhile. */
const somePlace = fc.oneof(text, fc.constantFrom("", "1:a", "1:b", "stream".repeat(4), "place", "place "));

/** Each text sealed by Node's AES-GCM. */
function seal(key: SealingKey, texts: readonly { readonly place: string; readonly content: string }[]) {
  return texts.map(({ place, content }) => ({
    place,
    base64: key.seal(place, Buffer.from(content), randomBytes(12)).toString("base64"),
  }));
}

/** A key that opens short values by itself: the first ones are left to Node. */
function usedKey(): SealingKey {
  const key = new SealingKey(randomBytes(32));
  const used = seal(
    key,
    Array.from({ length: 10 }, () => ({ place: "", content: "" })),
  );
  expect(openTexts(key, used)).toEqual(new Array(10).fill(""));
  return key;
}

function openTexts(
  key: SealingKey,
  values: readonly { readonly place: string; readonly base64: string }[],
): readonly (string | undefined)[] {
  type Opened = { place: string; base64: string; text: string | undefined; next: Opened | undefined };
  const opened = values.map<Opened>((value) => ({ ...value, text: "not opened", next: undefined }));
  for (const [index, value] of opened.entries()) value.next = opened[index + 1];
  const [first] = opened;
  if (first !== undefined) key.openTexts(first);
  return opened.map((value) => value.text);
}

describe("short values", () => {
  test("that Node's AES-GCM has sealed open to the same texts, many at a time", () => {
    const key = usedKey();
    fc.assert(
      fc.property(fc.array(fc.record({ place: somePlace, content: text }), { maxLength: 150 }), (texts) => {
        expect(openTexts(key, seal(key, texts))).toEqual(texts.map(({ content }) => content));
      }),
      { numRuns: 50 },
    );
  });

  test.each([0, 1, 11, 12, 15, 16, 17, 31, 32, 33, 355, 356, 357, 1_000, 100_000])("of %s bytes open", (length) => {
    const key = usedKey();
    const texts = ["place", "p".repeat(length), "é".repeat(length)].map((place) => ({
      place,
      content: "a".repeat(length),
    }));
    expect(openTexts(key, seal(key, texts))).toEqual(texts.map(({ content }) => content));
  });

  test.each([1, 2, 5, 64, 513])("of all lengths, at places of all lengths, open %s at a time", (together) => {
    const key = usedKey();
    const ascii = "0123456789abcdef".repeat(33);
    // Every third one is no ASCII.
    const texts = Array.from({ length: 513 }, (_, length) => ({
      place: ascii.slice(0, (length * 7) % 513),
      content: length % 3 === 2 ? `${ascii.slice(0, length - 2)}é` : ascii.slice(0, length),
    }));
    for (let from = 0; from < texts.length; from += together) {
      const some = texts.slice(from, from + together);
      expect(openTexts(key, seal(key, some))).toEqual(some.map(({ content }) => content));
    }
  });

  test("do not open with any bit changed, at another place, under another key or cut short, and do not harm others", () => {
    const key = usedKey();
    const [value = { place: "", base64: "" }] = seal(key, [{ place: "place", content: "Rue de Rivoli 1" }]);
    const bytes = Buffer.from(value.base64, "base64");
    const spoiled = [
      { ...value, place: "place " },
      { ...value, place: "" },
    ];
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes);
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7));
      spoiled.push({ ...value, base64: changed.toString("base64") });
    }
    for (let length = 0; length < bytes.length; length += 1) {
      spoiled.push({ ...value, base64: bytes.toString("base64", 0, length) });
    }
    spoiled.push({ ...value, base64: "no base64: é, \u{1F600}" }, { ...value, base64: `${value.base64}AAAA` });
    for (const each of spoiled)
      expect(openTexts(key, [value, each, value])).toEqual(["Rue de Rivoli 1", undefined, "Rue de Rivoli 1"]);
    expect(openTexts(usedKey(), [value])).toEqual([undefined]);
  });
});
