import type { ListBlobsOptions, PutBlobOptions } from "../../../protocols/index.js";
import { MAX_CONTENT_TYPE_LENGTH } from "../../../src/limits.js";
import type { Suite } from "../suite.js";
import type { DisposableBlobStore } from "../support/disposable-blob-store.js";
import { failureOf } from "../support/failure-of.js";

const INVALID_DATA: readonly (readonly [string, unknown])[] = [
  ["text", "text"],
  ["undefined", undefined],
  ["null", null],
  ["an array", [1, 2]],
  ["a buffer without a view", new ArrayBuffer(1)],
  ["numbers that are no bytes", new Float64Array([1])],
];

const INVALID_OPTIONS: readonly (readonly [string, unknown, string])[] = [
  ["null", null, "options"],
  ["an unknown option", { contenttype: "text/plain" }, "contenttype"],
  ["a type of content that is no text", { contentType: 7 }, "contentType"],
  ["an empty type of content", { contentType: "" }, "contentType"],
  ["a type of content of two lines", { contentType: "text/plain\r\nx-evil: 1" }, "contentType"],
  ["a type of content beyond ASCII", { contentType: "text/plain; name=ü" }, "contentType"],
  ["a type of content with a space at its end", { contentType: "text/plain " }, "contentType"],
  ["a type of content that is too long", { contentType: "x".repeat(MAX_CONTENT_TYPE_LENGTH + 1) }, "contentType"],
  ["a signal that is none", { signal: {} }, "signal"],
];

const INVALID_LISTS: readonly (readonly [string, unknown, string])[] = [
  ["null", null, "options"],
  ["an unknown option", { Prefix: "a" }, "Prefix"],
  ["a prefix that is no text", { prefix: 7 }, "prefix"],
  ["a prefix with a lone surrogate", { prefix: "\ud800" }, "prefix"],
];

export function describeBlobArguments({ describe, test, expect }: Suite<DisposableBlobStore>): void {
  describe("arguments", () => {
    for (const [what, data] of INVALID_DATA) {
      test(`that are no bytes are refused: ${what}`, async (blobs) => {
        const error = await failureOf(blobs.put("k", data as Uint8Array));
        expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: "data" });
        expect(await blobs.get("k")).toBe(null);
      });
    }

    for (const [what, options, argument] of INVALID_OPTIONS) {
      test(`of a put are refused: ${what}`, async (blobs) => {
        const error = await failureOf(blobs.put("k", new Uint8Array(1), options as PutBlobOptions));
        expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
        expect(await blobs.get("k")).toBe(null);
      });
    }

    for (const [what, options, argument] of INVALID_LISTS) {
      test(`of a listing are refused: ${what}`, async (blobs) => {
        const iterator = blobs.list(options as ListBlobsOptions)[Symbol.asyncIterator]();
        expect(await failureOf(iterator.next())).toMatchObject({ code: "INVALID_ARGUMENT", argument });
      });
    }
  });
}
