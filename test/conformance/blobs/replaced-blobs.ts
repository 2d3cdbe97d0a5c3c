import { isStreamError, type StoredBlob } from "../../../protocols/index.js";
import type { Suite } from "../suite.js";
import { allBytes, fingerprint, inPieces, someBytes } from "../support/blob-bytes.js";
import type { DisposableBlobStore } from "../support/disposable-blob-store.js";

const MANY_BYTES = 3 * 1024 * 1024;

/** Reads on, and says what came: the bytes, or the code of the error. */
async function restOf(iterator: AsyncIterator<Uint8Array>, first: Uint8Array): Promise<string> {
  try {
    return fingerprint(await allBytes(continued(iterator, first)));
  } catch (error) {
    if (isStreamError(error)) return error.code;
    throw error;
  }
}

async function* continued(iterator: AsyncIterator<Uint8Array>, first: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield first;
  while (true) {
    const { value, done } = await iterator.next();
    if (done === true) return;
    yield value;
  }
}

export function describeReplacedBlobs({ describe, test, expect }: Suite<DisposableBlobStore>): void {
  describe("a blob that is replaced", () => {
    test("is the newer one, with its own size and type", async (blobs) => {
      await blobs.put("k", someBytes(MANY_BYTES, 1), { contentType: "image/png" });
      const newer = someBytes(7, 2);
      await blobs.put("k", newer, { contentType: "text/plain" });

      const { data, size, contentType } = (await blobs.get("k")) as StoredBlob;
      expect([size, contentType]).toEqual([7, "text/plain"]);
      expect([...(await allBytes(data))]).toEqual([...newer]);
    });

    test("is the former one until the newer one is complete", async (blobs) => {
      await blobs.put("k", someBytes(10, 1));
      const seen: (number | undefined)[] = [];
      await blobs.put(
        "k",
        (async function* () {
          for await (const piece of inPieces(someBytes(MANY_BYTES, 2), 1024 * 1024)) {
            yield piece;
            seen.push((await blobs.stat("k"))?.size);
          }
        })(),
      );

      expect(seen).toEqual([10, 10, 10]);
      expect((await blobs.stat("k"))?.size).toBe(MANY_BYTES);
    });

    const changes: readonly [string, (blobs: DisposableBlobStore) => Promise<unknown>][] = [
      ["replaced by a longer one", (blobs) => blobs.put("k", someBytes(2 * MANY_BYTES, 2))],
      ["replaced by a shorter one", (blobs) => blobs.put("k", someBytes(10, 2))],
      ["deleted", (blobs) => blobs.delete("k")],
    ];
    for (const [what, change] of changes) {
      test(`is whole or an error for its reader, never a mix: ${what}`, async (blobs) => {
        const bytes = someBytes(MANY_BYTES, 1);
        await blobs.put("k", bytes);
        const iterator = ((await blobs.get("k")) as StoredBlob).data[Symbol.asyncIterator]();
        const first = await iterator.next();
        await change(blobs);
        const came = await restOf(iterator, first.value as Uint8Array);

        expect([fingerprint(bytes), "BLOB_REPLACED"].includes(came)).toBe(true);
      });

      test(`is whole or an error for whoever found it before: ${what}`, async (blobs) => {
        const bytes = someBytes(MANY_BYTES, 1);
        await blobs.put("k", bytes);
        const { data } = (await blobs.get("k")) as StoredBlob;
        await change(blobs);
        const came = await restOf(data[Symbol.asyncIterator](), new Uint8Array(0));

        expect([fingerprint(bytes), "BLOB_REPLACED"].includes(came)).toBe(true);
      });
    }

    test("by several at a time is one of theirs", async (blobs) => {
      const writers = [1, 2, 3, 4].map((seed) => ({ seed, bytes: someBytes(700_000 + seed, seed) }));
      const puts = await Promise.all(
        writers.map(({ seed, bytes }) => blobs.put("k", inPieces(bytes, 100_000), { contentType: `text/${seed}` })),
      );
      const { data, ...stat } = (await blobs.get("k")) as StoredBlob;
      const winner = puts.findIndex(({ etag }) => etag === stat.etag);

      expect(stat).toEqual(puts[winner]);
      expect(fingerprint(await allBytes(data))).toBe(fingerprint(writers[winner]?.bytes as Uint8Array));
    });

    test("does not disturb those that are stored at the same time", async (blobs) => {
      const keys = Array.from({ length: 12 }, (_, index) => `folder/${index}`);
      await Promise.all(keys.map((key, index) => blobs.put(key, someBytes(300_000 + index, index))));

      for (const [index, key] of keys.entries()) {
        const { data } = (await blobs.get(key)) as StoredBlob;
        expect(fingerprint(await allBytes(data))).toBe(fingerprint(someBytes(300_000 + index, index)));
      }
    });
  });
}
