import { createReadStream } from "node:fs";
import { expect, test } from "vitest";
import { type BlobStore, fileBlobs, sqliteBlobs } from "../../../blobs.js";
import { sqliteStreamFactory } from "../../../index.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { createTempDir, type TempDir } from "../../support/temp-dir.js";

type Open = (folder: TempDir) => Promise<BlobStore & Partial<AsyncDisposable>>;

const STORES: [string, Open][] = [
  ["files", async (folder) => fileBlobs(folder.file("blobs"))],
  [
    "SQLite",
    async (folder) => {
      const streams = await sqliteStreamFactory(folder.file("store.db"));
      return Object.assign(sqliteBlobs(streams), { [Symbol.asyncDispose]: () => streams[Symbol.asyncDispose]() });
    },
  ],
];

// The suite of all stores hands over an iterable of its own, and a stream behind it.
test.each(STORES)(
  "a put of a file that is not there, into %s, fails with its error and not the process",
  async (_, open) => {
    await using folder = await createTempDir();
    const blobs = await open(folder);
    const file = createReadStream(folder.file("missing"));

    expect(await failureOf(blobs.put("new", file))).toMatchObject({ code: "ENOENT" });
    expect(await blobs.get("new")).toBe(null);
    await blobs[Symbol.asyncDispose]?.();
  },
);
