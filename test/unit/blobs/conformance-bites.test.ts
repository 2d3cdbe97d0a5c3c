import { describe, expect, test } from "vitest";
import type { BlobStore } from "../../../protocols/index.js";
import type { BlobPut } from "../../../src/blobs/create-blob-store.js";
import { describeBlobStore } from "../../conformance/index.js";
import { CollectingRunner, type RunOutcome } from "../../support/collecting-runner.js";
import { MemoryBlobs, memoryBlobs } from "../../support/memory-blobs.js";

/** Longer than any test of a store in memory takes on a slow machine, and there is no fault that would make one wait. */
const GIVE_UP_MS = 20_000;

/** @param testGroup - the tests that are run; without it, all of them */
async function outcomeOf(open: () => BlobStore, testGroup?: string): Promise<RunOutcome> {
  const runner = new CollectingRunner(GIVE_UP_MS);
  const { describe: group, test: one, expect: check } = runner;
  describeBlobStore({
    name: "a broken store",
    patienceMs: 500,
    describe: group,
    test: one,
    expect: check,
    open: async () => open(),
  });
  return runner.run(testGroup);
}

/** Shows bytes while they come. */
class PutsInSteps extends MemoryBlobs {
  override async put({ key, chunks, contentType }: BlobPut) {
    const pieces: Uint8Array[] = [];
    let stat = this.store(key, new Uint8Array(0), contentType);
    for await (const bytes of chunks) {
      pieces.push(bytes);
      stat = this.store(key, Buffer.concat(pieces), contentType);
    }
    return stat;
  }
}

/** Reads on in the blob that has taken the place of the one that was found. */
class ReadsAMix extends MemoryBlobs {
  protected override async *read(key: string, bytes: Uint8Array) {
    for (let start = 0; start < bytes.length; start += this.chunkBytes) {
      const current = this.blobs.get(key)?.bytes ?? bytes;
      yield (start < current.length ? current : bytes).slice(start, Math.min(start + this.chunkBytes, bytes.length));
    }
  }
}

class DropsTheEnd extends MemoryBlobs {
  protected override store(key: string, bytes: Uint8Array, contentType: string) {
    return super.store(key, bytes.length > this.chunkBytes ? bytes.subarray(0, -1) : bytes, contentType);
  }
}

class FoldsCase extends MemoryBlobs {
  override get(key: string) {
    return super.get(key.toLowerCase());
  }
  protected override store(key: string, bytes: Uint8Array, contentType: string) {
    return super.store(key.toLowerCase(), bytes, contentType);
  }
}

class ForgetsTypes extends MemoryBlobs {
  protected override store(key: string, bytes: Uint8Array) {
    return super.store(key, bytes, "application/octet-stream");
  }
}

class ListsByUnit extends MemoryBlobs {
  override async *list(prefix: string) {
    const listed = [];
    for await (const blob of super.list(prefix)) listed.push(blob);
    yield* listed.sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

class ListsTooMuch extends MemoryBlobs {
  override list() {
    return super.list("");
  }
}

class ReadsOnce extends MemoryBlobs {
  override async get(key: string) {
    const found = await super.get(key);
    if (found === null) return null;
    const iterator = found.data[Symbol.asyncIterator]();
    return { ...found, data: { [Symbol.asyncIterator]: () => iterator } };
  }
}

class LendsItsBytes extends MemoryBlobs {
  protected override async *read(_key: string, bytes: Uint8Array) {
    if (bytes.length > 0) yield bytes;
  }
}

class KeepsDeleted extends MemoryBlobs {
  override async delete(key: string) {
    if (!this.blobs.has(key)) throw new Error("not there");
    await super.delete(key);
  }
}

describe("the conformance suite of blobs", () => {
  test("finds nothing in a store that is sound", async () => {
    expect((await outcomeOf(() => memoryBlobs())).failed).toEqual([]);
  });

  const broken: [string, () => MemoryBlobs, string, RegExp][] = [
    [
      "shows bytes while they come",
      () => new PutsInSteps(),
      "a blob that is replaced",
      /until the newer one is complete/,
    ],
    ["mixes two blobs", () => new ReadsAMix(), "a blob that is replaced", /never a mix: replaced by a longer one/],
    ["lists by UTF-16 unit", () => new ListsByUnit(), "a listing", /is ordered by code point/],
    ["drops the last byte of large blobs", () => new DropsTheEnd(), "what is stored", /comes back as it was/],
    ["takes keys for one another that differ in case", () => new FoldsCase(), "keys", /told apart/],
    ["forgets the types of content", () => new ForgetsTypes(), "what is stored", /has a type of content/],
    ["lists whatever the prefix is", () => new ListsTooMuch(), "a listing", /may begin with a prefix/],
    ["gives bytes once", () => new ReadsOnce(), "what is stored", /as often as it is asked for/],
    ["lends the bytes that it keeps", () => new LendsItsBytes(), "what is stored", /is read anew where a reader/],
    [
      "fails to delete what is not there",
      () => new KeepsDeleted(),
      "what is stored",
      /is harmless where there is none/,
    ],
  ];
  test.each(broken)("finds a store that %s", async (_what, open, testGroup, found) => {
    const { failed } = await outcomeOf(() => memoryBlobs(open()), testGroup);
    expect(failed).toEqual(expect.arrayContaining([expect.stringMatching(found)]));
  });

  test("finds a store that takes any key", async () => {
    const { failed } = await outcomeOf(() => {
      const blobs = memoryBlobs();
      return { ...blobs, put: async (key, data) => blobs.put(`x${String(key).replaceAll(/[^a-z]/g, "")}`, data) };
    }, "keys");
    expect(failed).toEqual(expect.arrayContaining([expect.stringMatching(/are refused/)]));
  });

  test("finds a store whose puts cannot be interrupted", async () => {
    const { failed } = await outcomeOf(() => {
      const blobs = memoryBlobs();
      return {
        ...blobs,
        put: async (key, data, options) => blobs.put(key, data, { contentType: options?.contentType }),
      };
    }, "a put that is interrupted");
    expect(failed).toEqual(expect.arrayContaining([expect.stringMatching(/between two chunks stores nothing/)]));
  });
});
