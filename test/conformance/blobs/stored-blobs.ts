import type { StoredBlob } from "../../../protocols/index.js";
import { BLOB_CHUNK_BYTES } from "../../../src/limits.js";
import type { Suite } from "../suite.js";
import { allBytes, fingerprint, inPieces, someBytes } from "../support/blob-bytes.js";
import type { DisposableBlobStore } from "../support/disposable-blob-store.js";

/** Around the ends of chunks, of ours and of what others may have. */
const SIZES: readonly number[] = [
  0,
  1,
  BLOB_CHUNK_BYTES - 1,
  BLOB_CHUNK_BYTES,
  BLOB_CHUNK_BYTES + 1,
  3 * BLOB_CHUNK_BYTES,
  8 * 1024 * 1024,
  8 * 1024 * 1024 + 1,
  20 * 1024 * 1024,
];

export function describeStoredBlobs({ describe, test, expect }: Suite<DisposableBlobStore>): void {
  describe("what is stored", () => {
    for (const size of SIZES) {
      test(`comes back as it was: ${size} bytes`, async (blobs) => {
        const bytes = someBytes(size);
        const put = await blobs.put("k", bytes, { contentType: "image/png" });
        const { data, ...stat } = (await blobs.get("k")) as StoredBlob;

        expect(fingerprint(await allBytes(data))).toBe(fingerprint(bytes));
        expect(stat).toEqual({ size, contentType: "image/png", etag: put.etag });
        expect(put).toEqual(stat);
        expect(await blobs.stat("k")).toEqual(stat);
      });
    }

    for (const pieceBytes of [1, 1_000, BLOB_CHUNK_BYTES, 9 * 1024 * 1024]) {
      test(`may come in pieces of ${pieceBytes} bytes`, async (blobs) => {
        const bytes = someBytes(pieceBytes === 1 ? 20_000 : 10 * 1024 * 1024 + 7);
        await blobs.put("k", inPieces(bytes, pieceBytes));

        const { data } = (await blobs.get("k")) as StoredBlob;
        expect(fingerprint(await allBytes(data))).toBe(fingerprint(bytes));
      });
    }

    test("may come in empty pieces and none", async (blobs) => {
      await blobs.put("none", inPieces(new Uint8Array(0), 1));
      await blobs.put("empty", inPieces(new Uint8Array(0), 1));
      await blobs.put(
        "some",
        (async function* () {
          yield new Uint8Array(0);
          yield new Uint8Array([1, 2]);
          yield new Uint8Array(0);
        })(),
      );

      expect((await blobs.stat("none"))?.size).toBe(0);
      expect([...(await allBytes(((await blobs.get("some")) as StoredBlob).data))]).toEqual([1, 2]);
    });

    test("may come in a buffer that is used again", async (blobs) => {
      const buffer = new Uint8Array(1_000);
      await blobs.put(
        "k",
        (async function* () {
          for (let value = 1; value <= 3; value += 1) yield buffer.fill(value);
          buffer.fill(9);
        })(),
      );

      const bytes = await allBytes(((await blobs.get("k")) as StoredBlob).data);
      expect([bytes[0], bytes[1_000], bytes[2_999]]).toEqual([1, 2, 3]);
    });

    test("comes in chunks that do not grow with it, and as often as it is asked for", async (blobs) => {
      const bytes = someBytes(5 * 1024 * 1024);
      await blobs.put("k", bytes);
      const { data } = (await blobs.get("k")) as StoredBlob;
      let largest = 0;
      for await (const chunk of data) largest = Math.max(largest, chunk.length);

      expect(largest <= 1024 * 1024).toBe(true);
      expect(fingerprint(await allBytes(data))).toBe(fingerprint(bytes));
    });

    for (const size of [100, 700_000]) {
      test(`is read anew where a reader has used the buffers of its chunks again: ${size} bytes`, async (blobs) => {
        await blobs.put("k", someBytes(size));
        const { data } = (await blobs.get("k")) as StoredBlob;
        for await (const chunk of data) chunk.fill(0);

        expect(fingerprint(await allBytes(data))).toBe(fingerprint(someBytes(size)));
        const { data: again } = (await blobs.get("k")) as StoredBlob;
        expect(fingerprint(await allBytes(again))).toBe(fingerprint(someBytes(size)));
      });
    }

    test("may come in large pieces of a buffer that is used again", async (blobs) => {
      const pieceBytes = 9 * 1024 * 1024;
      const buffer = new Uint8Array(pieceBytes);
      await blobs.put(
        "k",
        (async function* () {
          for (let value = 1; value <= 2; value += 1) yield buffer.fill(value);
          buffer.fill(9);
        })(),
      );

      const { data } = (await blobs.get("k")) as StoredBlob;
      const expected = new Uint8Array(2 * pieceBytes).fill(1, 0, pieceBytes).fill(2, pieceBytes);
      expect(fingerprint(await allBytes(data))).toBe(fingerprint(expected));
    });

    test("may be left in the middle", async (blobs) => {
      await blobs.put("k", someBytes(5 * 1024 * 1024));
      const { data } = (await blobs.get("k")) as StoredBlob;
      for await (const chunk of data) {
        expect(chunk.length > 0).toBe(true);
        break;
      }
      await blobs.delete("k");

      expect(await blobs.get("k")).toBe(null);
    });

    test("has a type of content, or that of any bytes", async (blobs) => {
      await blobs.put("given", someBytes(3), { contentType: 'text/plain; charset="utf-8"' });
      await blobs.put("default", someBytes(3));

      expect((await blobs.stat("given"))?.contentType).toBe('text/plain; charset="utf-8"');
      expect((await blobs.stat("default"))?.contentType).toBe("application/octet-stream");
    });

    test("has an etag that changes with its bytes", async (blobs) => {
      const first = await blobs.put("k", someBytes(3, 1));
      const second = await blobs.put("k", someBytes(3, 2));

      expect(first.etag === second.etag).toBe(false);
      expect((await blobs.stat("k"))?.etag).toBe(second.etag);
    });

    test("is null where there is none, also in a store that has none", async (blobs) => {
      expect([await blobs.get("k"), await blobs.stat("k")]).toEqual([null, null]);
      await blobs.put("k", someBytes(1));
      expect([await blobs.get("other"), await blobs.stat("other")]).toEqual([null, null]);
    });

    test("is gone once it is deleted, which is harmless where there is none", async (blobs) => {
      await blobs.delete("k");
      await blobs.put("k", someBytes(600_000));
      await blobs.put("kept", someBytes(3));
      await blobs.delete("k");
      await blobs.delete("k");

      expect([await blobs.get("k"), await blobs.stat("k")]).toEqual([null, null]);
      expect((await blobs.stat("kept"))?.size).toBe(3);
    });
  });
}
