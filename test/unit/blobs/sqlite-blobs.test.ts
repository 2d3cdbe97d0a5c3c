import { describe, expect, test } from "vitest";
import { memoryStreamFactory } from "../../../adapters/memory/index.js";
import { sqlite3Driver } from "../../../adapters/sqlite/drivers/sqlite3-driver.js";
import { BLOB_CHUNK_BYTES, type BlobStore, sqliteBlobs } from "../../../blobs.js";
import {
  type SQLStatement,
  sql,
  sqliteStreamFactory,
  type Transaction,
  type TransactionalStreamFactory,
} from "../../../index.js";
import { LISTED_BLOBS, MAX_TRANSACTION_TIMEOUT_MS } from "../../../src/limits.js";
import { allBytes, fingerprint, inPieces, someBytes } from "../../conformance/support/blob-bytes.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { openStoreOver } from "../../support/open-store.js";
import { recordingDriver } from "../../support/recording-driver.js";
import { createTempDir } from "../../support/temp-dir.js";
import { listOf } from "../consumers/support/stores.js";
import { STORES } from "./support/blob-tables-stores.js";

const MANY_BYTES = 3 * BLOB_CHUNK_BYTES + 7;

async function bytesOf(blobs: BlobStore, key: string): Promise<string> {
  const found = await blobs.get(key);
  if (found === null) throw new Error(`there is no blob "${key}"`);
  return fingerprint(await allBytes(found.data));
}

async function rowsOf(streams: TransactionalStreamFactory): Promise<{ blobs: number; chunks: number }> {
  const [rows] = await streams.query<{ blobs: number; chunks: number }>(sql`
    SELECT (SELECT count(*) FROM async_streams_blobs) AS "blobs",
           (SELECT count(*) FROM async_streams_blob_chunks) AS "chunks"`);
  return rows ?? { blobs: 0, chunks: 0 };
}

const change = (streams: TransactionalStreamFactory, statement: SQLStatement) =>
  streams.transaction((tx) => tx.sql.run(statement));

/** Lets a test go on when something has begun, and that go on when the test says so. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe.each(STORES)("blobs in %s", (_, openStore) => {
  test("let others write while their bytes are awaited", async () => {
    await using streams = await openStore();
    const stream = await streams.openStream("a");
    const versions: number[] = [];
    const data = async function* () {
      for await (const piece of inPieces(someBytes(MANY_BYTES), BLOB_CHUNK_BYTES)) {
        yield piece;
        versions.push((await stream.write({ type: "Written", data: null })).version);
      }
    };
    await sqliteBlobs(streams).put("k", data());

    expect(versions).toEqual([1, 2, 3, 4]);
    expect(await bytesOf(sqliteBlobs(streams), "k")).toBe(fingerprint(someBytes(MANY_BYTES)));
  });

  test("in a transaction are there with its events, or not at all", async () => {
    await using streams = await openStore();
    const put = (isKept: boolean) =>
      streams.transaction(async (tx) => {
        const blobs = sqliteBlobs(tx);
        await blobs.put("k", inPieces(someBytes(MANY_BYTES), 100_000), { contentType: "image/png" });
        await tx.write("a", { type: "Scanned", data: { blob: "k" } });
        expect(await bytesOf(blobs, "k")).toBe(fingerprint(someBytes(MANY_BYTES)));
        if (!isKept) throw new Error("undone");
      });

    await failureOf(put(false));
    expect(await sqliteBlobs(streams).get("k")).toBe(null);
    await put(true);
    expect(await sqliteBlobs(streams).stat("k")).toMatchObject({ size: MANY_BYTES, contentType: "image/png" });
    expect(await bytesOf(sqliteBlobs(streams), "k")).toBe(fingerprint(someBytes(MANY_BYTES)));
  });

  test("in a transaction are found, listed, replaced and deleted", async () => {
    await using streams = await openStore();
    await sqliteBlobs(streams).put("old", someBytes(MANY_BYTES));
    await streams.transaction(async (tx) => {
      const blobs = sqliteBlobs(tx);
      expect([await blobs.get("none"), await blobs.stat("none")]).toEqual([null, null]);
      await blobs.put("old", someBytes(3));
      await blobs.put("gone", someBytes(MANY_BYTES));
      await blobs.delete("gone");
      await blobs.delete("none");
      const keys: string[] = [];
      for await (const { key } of blobs.list()) keys.push(key);
      expect(keys).toEqual(["old"]);
    });

    expect(await bytesOf(sqliteBlobs(streams), "old")).toBe(fingerprint(someBytes(3)));
    expect(await rowsOf(streams)).toEqual({ blobs: 1, chunks: 1 });
  });

  test("whose data fails in a transaction leave nothing in it", async () => {
    await using streams = await openStore();
    const breaking = async function* () {
      yield someBytes(MANY_BYTES);
      throw new Error("out of paper");
    };
    await streams.transaction(async (tx) => {
      await failureOf(sqliteBlobs(tx).put("k", breaking()));
      await tx.write("a", { type: "Failed", data: null });
    });

    expect(await rowsOf(streams)).toEqual({ blobs: 0, chunks: 0 });
    expect((await streams.openStream("a")).version).toBe(1);
  });

  test("need no tables to be looked for", async () => {
    await using streams = await openStore();
    const blobs = sqliteBlobs(streams);
    const listed = [];
    for await (const blob of blobs.list()) listed.push(blob);
    await blobs.delete("k");

    expect([await blobs.get("k"), await blobs.stat("k"), listed]).toEqual([null, null, []]);
    expect(await failureOf(rowsOf(streams))).toMatchObject({ code: "STORAGE_FAILED" });
  });

  test("leave no rows behind when they are replaced, deleted or interrupted", async () => {
    await using streams = await openStore();
    const blobs = sqliteBlobs(streams);
    await blobs.put("k", someBytes(20 * BLOB_CHUNK_BYTES));
    await blobs.put("k", someBytes(MANY_BYTES));
    const breaking = async function* () {
      yield someBytes(MANY_BYTES);
      throw new Error("out of paper");
    };
    await failureOf(blobs.put("k", breaking()));
    expect(await rowsOf(streams)).toEqual({ blobs: 1, chunks: 4 });
    await blobs.delete("k");

    expect(await rowsOf(streams)).toEqual({ blobs: 0, chunks: 0 });
  });

  test("that a killed process has left are removed an hour later, and a put that was only slow fails", async () => {
    await using streams = await openStore();
    const [begun, goOn] = [gate(), gate()];
    const slow = async function* () {
      yield someBytes(MANY_BYTES);
      begun.open();
      await goOn.opened;
      yield someBytes(MANY_BYTES);
    };
    const putting = failureOf(sqliteBlobs(streams).put("slow", slow()));
    await begun.opened;
    await sqliteBlobs(streams).put("a", someBytes(3));
    expect((await rowsOf(streams)).blobs).toBe(2);
    await change(streams, sql`UPDATE async_streams_blobs SET expires_at_ms = 1 WHERE blob_key IS NULL`);
    await sqliteBlobs(streams).put("b", someBytes(3));

    expect(await rowsOf(streams)).toEqual({ blobs: 2, chunks: 2 });
    goOn.open();
    expect(await putting).toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringMatching(/^Cannot put blob "slow".*did not come for 60 minutes.*Put it again/),
    });
    expect(await rowsOf(streams)).toEqual({ blobs: 2, chunks: 2 });
  });

  const damages: [string, SQLStatement][] = [
    [
      "a changed byte",
      sql`UPDATE async_streams_blob_chunks SET bytes = ${someBytes(BLOB_CHUNK_BYTES, 2)} WHERE chunk = 1`,
    ],
    ["a chunk that is too short", sql`UPDATE async_streams_blob_chunks SET bytes = ${someBytes(3)} WHERE chunk = 3`],
    ["a chunk that is too long", sql`UPDATE async_streams_blob_chunks SET bytes = ${someBytes(99)} WHERE chunk = 3`],
    ["a missing chunk", sql`DELETE FROM async_streams_blob_chunks WHERE chunk = 2`],
    ["no first chunk", sql`DELETE FROM async_streams_blob_chunks WHERE chunk = 0`],
    ["too few chunks", sql`UPDATE async_streams_blobs SET chunks = 3`],
    ["another size", sql`UPDATE async_streams_blobs SET size = size - 1`],
    ["another etag", sql`UPDATE async_streams_blobs SET etag = 'x'`],
  ];
  test.each(damages)("that are damaged are never read to their end: %s", async (_what, damage) => {
    await using streams = await openStore();
    const blobs = sqliteBlobs(streams);
    await blobs.put("k", someBytes(MANY_BYTES));
    await change(streams, damage);
    const found = await blobs.get("k");
    let received = 0;
    const reading = (async () => {
      for await (const chunk of found?.data ?? []) received += chunk.length;
    })();

    expect(await failureOf(reading)).toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringMatching(/^Cannot get blob "k".*: the blob is damaged: .*Put it again/),
    });
    expect(received).toBeLessThan(MANY_BYTES);
  });

  test("of one chunk are read whole, even when they were replaced", async () => {
    await using streams = await openStore();
    const blobs = sqliteBlobs(streams);
    await blobs.put("k", someBytes(BLOB_CHUNK_BYTES, 1));
    const found = await blobs.get("k");
    await blobs.put("k", someBytes(BLOB_CHUNK_BYTES, 2));

    expect(fingerprint(await allBytes(found?.data ?? inPieces(someBytes(0), 1)))).toBe(
      fingerprint(someBytes(BLOB_CHUNK_BYTES, 1)),
    );
  });

  test("that are replaced while they are read say so, with their key", async () => {
    await using streams = await openStore();
    const blobs = sqliteBlobs(streams);
    await blobs.put("k", someBytes(MANY_BYTES, 1));
    const found = await blobs.get("k");
    await blobs.put("k", someBytes(MANY_BYTES, 2));

    expect(await failureOf(allBytes(found?.data ?? inPieces(someBytes(0), 1)))).toMatchObject({
      code: "BLOB_REPLACED",
      key: "k",
      retryable: false,
      message: expect.stringContaining('blob "k"'),
    });
  });
});

describe("what blobs are kept in", () => {
  test("is copied by a backup, blobs included", async () => {
    await using folder = await createTempDir();
    await using streams = await sqliteStreamFactory(folder.file("a.db"));
    await sqliteBlobs(streams).put("k", someBytes(MANY_BYTES));
    await streams.backup(folder.file("copy.db"));
    await using copy = await sqliteStreamFactory(folder.file("copy.db"));

    expect(await bytesOf(sqliteBlobs(copy), "k")).toBe(fingerprint(someBytes(MANY_BYTES)));
    expect((await copy.verify()).problems).toEqual([]);
  });

  test("may be open to be read only: there are no blobs, or they are read", async () => {
    await using folder = await createTempDir();
    const path = folder.file("a.db");
    {
      await using streams = await sqliteStreamFactory(path);
      await (await streams.openStream("a")).write({ type: "A", data: null });
      await using reading = await sqliteStreamFactory(path, { mode: "readonly" });
      expect(await sqliteBlobs(reading).get("k")).toBe(null);
      await sqliteBlobs(streams).put("k", someBytes(MANY_BYTES));
      expect(await bytesOf(sqliteBlobs(reading), "k")).toBe(fingerprint(someBytes(MANY_BYTES)));

      expect(await failureOf(sqliteBlobs(reading).put("other", someBytes(3)))).toMatchObject({
        code: "STORAGE_READ_ONLY",
        message: expect.stringMatching(/^Cannot put blob "other" in .*a\.db/),
      });
    }
  });

  test("binds no plain LIMIT, for which SQLite would compile the statement again at every call", async () => {
    await using folder = await createTempDir();
    const { driver, calls } = recordingDriver(sqlite3Driver);
    await using streams = await openStoreOver(driver, folder.file("a.db"));
    const blobs = sqliteBlobs(streams);
    const keys = Array.from({ length: LISTED_BLOBS + 1 }, (_, index) => `k/${index}`);
    const putAll = async (tx: Transaction) => {
      for (const key of keys) await sqliteBlobs(tx).put(key, someBytes(1));
    };
    await streams.transaction(putAll, { timeoutMs: MAX_TRANSACTION_TIMEOUT_MS });
    await blobs.put("k/0", someBytes(2));
    expect(await listOf(blobs.list({ prefix: "k/" }))).toHaveLength(keys.length);

    const limited = calls.map(({ sql: text }) => text).filter((text) => text.includes("LIMIT ?"));
    expect(new Set(limited.filter((text) => text.includes("async_streams_blob")))).toHaveProperty("size", 4);
    expect(limited.filter((text) => /LIMIT \?\d*\s*(\)|$)/.test(text))).toEqual([]);
  });

  test("has to have tables", async () => {
    await using streams = memoryStreamFactory();
    const blobs = sqliteBlobs(streams);

    expect(await failureOf(blobs.put("k", someBytes(3)))).toMatchObject({ code: "STORAGE_UNSUPPORTED" });
    expect(await failureOf(blobs.get("k"))).toMatchObject({ code: "STORAGE_UNSUPPORTED" });
  });

  test.each([["text"], [null], [undefined], [{}]])("is a store or a transaction: %s", (streams) => {
    expect(() => sqliteBlobs(streams as never)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  });
});
