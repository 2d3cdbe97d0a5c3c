import type { StoredBlob } from "../../../protocols/index.js";
import { MAX_BLOB_KEY_LENGTH } from "../../../src/limits.js";
import type { Suite } from "../suite.js";
import { allBytes } from "../support/blob-bytes.js";
import type { DisposableBlobStore } from "../support/disposable-blob-store.js";
import { failureOf } from "../support/failure-of.js";

/** Keys that have been taken for one another somewhere, or for something else than a name. */
const KEYS: readonly string[] = [
  "a",
  "A",
  "a.txt",
  "A.TXT",
  "a.",
  "a ",
  " a",
  "a/b",
  "a/B",
  "a//b",
  "a/",
  "a\\b",
  "a:b",
  "a+b",
  "a%2fb",
  "a%2Fb",
  "a%",
  "a?b=1&c",
  "a#b",
  "a..b",
  "...",
  ".hidden",
  "~",
  "*",
  "'\"<>|&;$()!",
  "con",
  "NUL.txt",
  "tmp-1",
  "blob-a",
  "hash-a",
  "\u00e9",
  "e\u0301",
  "ß",
  "日本語/🚀",
  "a\tb\n\u0001",
  "x".repeat(MAX_BLOB_KEY_LENGTH),
  `${"x".repeat(MAX_BLOB_KEY_LENGTH - 1)}X`,
  `${"segment/".repeat(MAX_BLOB_KEY_LENGTH / 8 - 1)}the-last`,
];

const INVALID: readonly (readonly [string, unknown])[] = [
  ["empty", ""],
  ["with a slash at its beginning", "/a"],
  ["a slash", "/"],
  ["two dots", ".."],
  ["one dot", "."],
  ["two dots at its beginning", "../a"],
  ["two dots within", "a/../b"],
  ["two dots at its end", "a/.."],
  ["one dot within", "a/./b"],
  ["too long", "x".repeat(MAX_BLOB_KEY_LENGTH + 1)],
  ["with a NUL", "a\0b"],
  ["with a lone surrogate", "a\ud800"],
  ["a number", 7],
  ["undefined", undefined],
  ["null", null],
  ["a BigInt", 7n],
];

export function describeBlobKeys({ describe, test, expect }: Suite<DisposableBlobStore>): void {
  describe("keys", () => {
    test("are told apart, and are listed as they are", async (blobs) => {
      for (const [index, key] of KEYS.entries()) await blobs.put(key, new Uint8Array([index]));

      const found: (number | undefined)[] = [];
      for (const key of KEYS) found.push((await allBytes(((await blobs.get(key)) as StoredBlob).data))[0]);
      expect(found).toEqual([...KEYS.keys()]);
      const listed: string[] = [];
      for await (const { key } of blobs.list()) listed.push(key);
      expect(listed.sort()).toEqual([...KEYS].sort());
    });

    test("that differ in case are deleted apart", async (blobs) => {
      await blobs.put("case", new Uint8Array([1]));
      await blobs.put("CASE", new Uint8Array([2]));
      await blobs.delete("case");

      expect(await blobs.get("case")).toBe(null);
      expect((await blobs.stat("CASE"))?.size).toBe(1);
    });

    for (const [what, invalid] of INVALID) {
      test(`are refused: ${what}`, async (blobs) => {
        const key = invalid as string;
        const refused = { code: "INVALID_ARGUMENT", argument: "key" };
        expect(await failureOf(blobs.put(key, new Uint8Array(1)))).toMatchObject(refused);
        expect(await failureOf(blobs.get(key))).toMatchObject(refused);
        expect(await failureOf(blobs.stat(key))).toMatchObject(refused);
        expect(await failureOf(blobs.delete(key))).toMatchObject(refused);
      });
    }
  });
}
