import { readdir, utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "vitest";
import { type BlobStore, fileBlobs, s3Blobs, sqliteBlobs } from "../../../blobs.js";
import { sql, sqliteStreamFactory } from "../../../index.js";
import { S3Stub } from "../../support/s3/stub-server.js";
import { createTempDir } from "../../support/temp-dir.js";
import type { BlobPutterConfig } from "../fixtures/blob-putter.js";
import { faultTest, type Laboratory } from "../support/fault-test.js";
import { startFixture } from "../support/fixture.js";
import { ExpectedBlobs, type PutNote } from "../support/marked-bytes.js";

const SIZES = { quick: 4, soak: 40 };
const MAX_FILE_BYTES = { quick: 5_000_000, soak: 20_000_000 };

/** Kills processes that put blobs, and looks at what is there after each of them. */
async function killPutters(
  { rounds, random, integer, count }: Laboratory,
  config: Pick<BlobPutterConfig, "kind" | "path" | "s3" | "maxBytes">,
  look: (check: (blobs: BlobStore) => Promise<void>) => Promise<void>,
): Promise<void> {
  const expected = new ExpectedBlobs();
  let first = 1;
  for (let round = 0; round < rounds; round += 1) {
    const given: BlobPutterConfig = { ...config, clients: integer(1, 3), first, keys: 4 };
    await using putter = startFixture("blob-putter.ts", { args: [JSON.stringify(given)] });
    const begun = integer(1, 8);
    await putter.waitFor(() => putter.lines.length > begun);
    await delay(random() * 60);
    await putter.kill();
    const notes = putter.lines.slice(1).map((line) => JSON.parse(line) as PutNote);
    for (const note of notes) expected.add(note);
    first = Math.max(first, ...notes.map(({ put }) => put + 1));
    await look(async (blobs) => {
      const { keys, unacknowledged } = await expected.check(blobs);
      count("blobs that were looked at", keys);
      count("puts stored without an answer", unacknowledged);
    });
    count("kills");
    count("acknowledged puts", notes.filter(({ isStored }) => isStored === true).length);
  }
}

faultTest(
  "R95 a killed put into SQLite leaves the former blob or the whole new one, and rows that are removed later",
  SIZES,
  async (laboratory) => {
    await using folder = await createTempDir();
    const path = folder.file("blobs.db");
    const config = { kind: "sqlite", path, maxBytes: 3_000_000 } as const;
    await killPutters(laboratory, config, async (check) => {
      await using streams = await sqliteStreamFactory(path);
      await check(sqliteBlobs(streams));
    });

    await using streams = await sqliteStreamFactory(path);
    expect((await streams.verify()).problems).toEqual([]);
    await streams.transaction((tx) =>
      tx.sql.run(sql`UPDATE async_streams_blobs SET expires_at_ms = 1 WHERE blob_key IS NULL`),
    );
    await sqliteBlobs(streams).put("last", new Uint8Array(1));
    const [left] = await streams.query(sql`
    SELECT (SELECT count(*) FROM async_streams_blobs WHERE blob_key IS NULL) AS "rows",
           (SELECT count(*) FROM async_streams_blob_chunks
            WHERE blob_id NOT IN (SELECT id FROM async_streams_blobs)) AS "chunks"`);
    expect(left).toEqual({ rows: 0, chunks: 0 });
  },
);

faultTest(
  "R96 a killed put into a folder leaves the former blob or the whole new one, and a file that is removed later",
  SIZES,
  async (laboratory) => {
    await using folder = await createTempDir();
    const blobs = fileBlobs(folder.path);
    const maxBytes = MAX_FILE_BYTES[laboratory.size];
    await killPutters(laboratory, { kind: "files", path: folder.path, maxBytes }, (check) => check(blobs));

    const longAgo = new Date(Date.now() - 2 * 60 * 60_000);
    const left = (await readdir(folder.path)).filter((name) => !name.startsWith("blob-"));
    laboratory.count("files that were left", left.length);
    for (const name of left) await utimes(join(folder.path, name), longAgo, longAgo);
    await fileBlobs(folder.path).put("last", new Uint8Array(1));
    expect((await readdir(folder.path)).filter((name) => !name.startsWith("blob-"))).toEqual([]);
  },
);

faultTest("R97 a killed put into S3 leaves the former blob or the whole new one", SIZES, async (laboratory) => {
  await using stub = await S3Stub.start();
  const config = { kind: "s3", path: "", s3: stub.options, maxBytes: 12_000_000 } as const;
  await killPutters(laboratory, config, (check) => check(s3Blobs(stub.options)));
  laboratory.count("uploads that were left", stub.bucket.uploads.size);
});
