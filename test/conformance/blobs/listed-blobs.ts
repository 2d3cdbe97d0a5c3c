import type { ListBlobsOptions } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { someBytes } from "../support/blob-bytes.js";
import type { DisposableBlobStore } from "../support/disposable-blob-store.js";

async function keysOf(blobs: DisposableBlobStore, options?: ListBlobsOptions): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of blobs.list(options)) keys.push(key);
  return keys;
}

export function describeListedBlobs({ describe, test, expect }: Suite<DisposableBlobStore>): void {
  describe("a listing", () => {
    test("of a store that has none is empty", async (blobs) => {
      expect(await keysOf(blobs)).toEqual([]);
      expect(await keysOf(blobs, { prefix: "a" })).toEqual([]);
    });

    test("has keys, sizes and etags", async (blobs) => {
      const { etag } = await blobs.put("a", someBytes(700_000));
      const listed = [];
      for await (const blob of blobs.list()) listed.push(blob);

      expect(listed).toEqual([{ key: "a", size: 700_000, etag }]);
    });

    test("is ordered by code point, and may begin with a prefix", async (blobs) => {
      // By UTF-16 unit, the rocket would come before the fullwidth tilde.
      const keys = ["A", "B/1", "a", "a b", "a%", "a/", "a/1", "a/10", "a/2", "a_", "aa", "b", "\uff5e", "\u{1f680}"];
      for (const key of [...keys].reverse()) await blobs.put(key, someBytes(3));

      expect(await keysOf(blobs)).toEqual(keys);
      expect(await keysOf(blobs, { prefix: "" })).toEqual(keys);
      expect(await keysOf(blobs, { prefix: "a/" })).toEqual(["a/", "a/1", "a/10", "a/2"]);
      expect(await keysOf(blobs, { prefix: "a/1" })).toEqual(["a/1", "a/10"]);
      expect(await keysOf(blobs, { prefix: "a%" })).toEqual(["a%"]);
      expect(await keysOf(blobs, { prefix: "a_" })).toEqual(["a_"]);
      expect(await keysOf(blobs, { prefix: "A" })).toEqual(["A"]);
      expect(await keysOf(blobs, { prefix: "\u{1f680}" })).toEqual(["\u{1f680}"]);
      expect(await keysOf(blobs, { prefix: "c" })).toEqual([]);
    });

    test("goes on after its first page", async (blobs) => {
      const keys = Array.from({ length: 1_005 }, (_, index) => `page/${String(index).padStart(5, "0")}`);
      for (let start = 0; start < keys.length; start += 50) {
        await Promise.all(keys.slice(start, start + 50).map((key) => blobs.put(key, someBytes(1))));
      }

      expect(await keysOf(blobs, { prefix: "page/" })).toEqual(keys);
    });

    test("may be left, and lets blobs be deleted meanwhile", async (blobs) => {
      for (const key of ["a", "b", "c"]) await blobs.put(key, someBytes(3));
      for await (const { key } of blobs.list()) {
        await blobs.delete(key);
        if (key === "b") break;
      }

      expect(await keysOf(blobs)).toEqual(["c"]);
    });
  });
}
