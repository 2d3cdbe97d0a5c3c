import { link, readdir, readFile, rename, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, test, vi } from "vitest";
import { type BlobStore, fileBlobs } from "../../../blobs.js";
import { allBytes, fingerprint, someBytes } from "../../conformance/support/blob-bytes.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { createTempDir } from "../../support/temp-dir.js";

// So that a listing takes several looks through the folder.
vi.mock("../../../src/limits.js", async (importOriginal) => ({
  ...(await importOriginal<object>()),
  MAX_LISTED_KEYS: 10,
}));

const MANY_BYTES = 700_000;
/** Longer than an hour ago. */
const LONG_AGO = new Date(Date.now() - 2 * 60 * 60_000);

async function read(blobs: BlobStore, key: string): Promise<Uint8Array> {
  const found = await blobs.get(key);
  if (found === null) throw new Error(`there is no blob "${key}"`);
  return allBytes(found.data);
}

async function keysOf(blobs: BlobStore, prefix = ""): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of blobs.list({ prefix })) keys.push(key);
  return keys;
}

/** The path of the only file in a folder. */
async function onlyFile(folder: string): Promise<string> {
  const names = await readdir(folder);
  expect(names).toHaveLength(1);
  return join(folder, names[0] as string);
}

describe("blobs in files", () => {
  test("are in a folder that is made at the first put, and not before", async () => {
    await using folder = await createTempDir();
    const path = folder.file("a/b");
    const blobs = fileBlobs(pathToFileURL(path));
    expect([await blobs.get("k"), await blobs.stat("k"), await keysOf(blobs)]).toEqual([null, null, []]);
    await blobs.delete("k");
    expect(await readdir(folder.path)).toEqual([]);
    await blobs.put("k", someBytes(3));

    expect(await readdir(path)).toEqual(["blob-k"]);
    expect(await read(fileBlobs(path), "k")).toEqual(someBytes(3));
  });

  test("stay in their folder when the process goes to another", async () => {
    await using folder = await createTempDir();
    const before = process.cwd();
    const cwd = vi.spyOn(process, "cwd").mockReturnValue(folder.path);
    const blobs = fileBlobs("blobs");
    cwd.mockReturnValue(before);
    await blobs.put("k", someBytes(3));

    expect(await readdir(folder.file("blobs"))).toEqual(["blob-k"]);
  });

  test("have names that every file system keeps, and tells apart without regard to case", async () => {
    await using folder = await createTempDir();
    const blobs = fileBlobs(folder.path);
    const keys = [
      "a",
      "A",
      "ä",
      "Ä",
      "a/b",
      "a\\b",
      "a:b",
      "a.",
      "con",
      "NUL.txt",
      " ",
      "%41",
      "x".repeat(1_024),
      "日".repeat(60),
    ];
    for (const key of keys) await blobs.put(key, someBytes(3));
    const names = await readdir(folder.path);

    expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(keys.length);
    for (const name of names) expect(name).toMatch(/^(blob-[a-z0-9._%-]{0,119}[a-z0-9_%-]|hash-[0-9a-f]{64})$/);
    expect((await keysOf(blobs)).sort()).toEqual([...keys].sort());
  });

  test("begin with their bytes, so that other programs find them", async () => {
    await using folder = await createTempDir();
    await fileBlobs(folder.path).put("k", someBytes(MANY_BYTES), { contentType: "image/png" });
    const content = await readFile(folder.file("blob-k"));

    expect(fingerprint(content.subarray(0, MANY_BYTES))).toBe(fingerprint(someBytes(MANY_BYTES)));
    expect(content.length).toBeLessThan(MANY_BYTES + 300);
  });

  test.each([0, 5, MANY_BYTES])("of %i bytes are never read to their end with one bit changed", async (size) => {
    await using folder = await createTempDir();
    const blobs = fileBlobs(folder.path);
    await blobs.put("k", someBytes(size), { contentType: "image/png" });
    const path = folder.file("blob-k");
    const content = await readFile(path);
    const places = new Set([0, size >> 1, size - 1, ...Array.from(content.keys()).slice(size)]);
    for (const place of places) {
      if (place < 0) continue;
      const changed = Buffer.from(content);
      changed.writeUInt8(changed.readUInt8(place) ^ 0x10, place);
      await writeFile(path, changed);
      let received = 0;
      const reading = (async () => {
        for await (const bytes of (await blobs.get("k"))?.data ?? []) received += bytes.length;
      })();
      expect(await failureOf(reading)).toMatchObject({
        code: "STORAGE_CORRUPT",
        message: expect.stringMatching(/^Cannot get blob "k" in .*the blob is damaged: .*Put it again/),
      });
      expect(received).toBeLessThanOrEqual(Math.max(0, size - 1));
    }
    await writeFile(path, content);
    expect(fingerprint(await read(blobs, "k"))).toBe(fingerprint(someBytes(size)));
  });

  test("are damaged when their files are cut or longer, and are deleted or replaced all the same", async () => {
    await using folder = await createTempDir();
    const blobs = fileBlobs(folder.path);
    await blobs.put("k", someBytes(MANY_BYTES));
    const path = folder.file("blob-k");
    const content = await readFile(path);
    for (const length of [0, 1, MANY_BYTES - 1, MANY_BYTES, content.length - 1]) {
      await writeFile(path, content);
      await truncate(path, length);
      expect(await failureOf(blobs.get("k"))).toMatchObject({ code: "STORAGE_CORRUPT" });
      expect(await failureOf(blobs.stat("k"))).toMatchObject({ code: "STORAGE_CORRUPT" });
      expect(await failureOf(keysOf(blobs))).toMatchObject({ code: "STORAGE_CORRUPT" });
    }
    await writeFile(path, Buffer.concat([content.subarray(0, 10), content]));
    expect(await failureOf(blobs.get("k"))).toMatchObject({ code: "STORAGE_CORRUPT" });
    await blobs.put("k", someBytes(3));
    expect(await read(blobs, "k")).toEqual(someBytes(3));
    await truncate(path, 2);
    await blobs.delete("k");

    expect(await blobs.get("k")).toBe(null);
  });

  test("are not taken for each other when somebody renames a file", async () => {
    await using folder = await createTempDir();
    const blobs = fileBlobs(folder.path);
    await blobs.put("a", someBytes(3));
    await rename(folder.file("blob-a"), folder.file("blob-b"));

    expect(await failureOf(blobs.get("b"))).toMatchObject({
      code: "STORAGE_CORRUPT",
      message: expect.stringContaining('there is blob "a"'),
    });
  });

  test.skipIf(process.platform === "win32")("are read whole by whoever is in the middle of them", async () => {
    await using folder = await createTempDir();
    const blobs = fileBlobs(folder.path);
    await blobs.put("k", someBytes(MANY_BYTES, 1));
    const pieces: Uint8Array[] = [];
    for await (const bytes of (await blobs.get("k"))?.data ?? []) {
      if (pieces.length === 0) await blobs.put("k", someBytes(MANY_BYTES, 2));
      if (pieces.length === 1) await blobs.delete("k");
      pieces.push(bytes);
    }

    expect(fingerprint(Buffer.concat(pieces))).toBe(fingerprint(someBytes(MANY_BYTES, 1)));
  });

  test("are listed in order, whatever else is in the folder", async () => {
    await using folder = await createTempDir();
    const blobs = fileBlobs(folder.path);
    // Of several times as many as a look through the folder keeps.
    const keys = Array.from({ length: 57 }, (_, index) => `k${(index * 31) % 57}`);
    for (const key of keys) await blobs.put(key, someBytes(1));
    await blobs.put("x".repeat(500), someBytes(1));
    for (const name of ["temporary-1", "blob-A", "blob-%zz", "README", "blob-a%"]) {
      await writeFile(folder.file(name), "not a blob");
    }

    expect(await keysOf(blobs)).toEqual([...keys.sort(), "x".repeat(500)].sort());
    expect(await keysOf(blobs, "k1")).toEqual(keys.filter((key) => key.startsWith("k1")));
  });

  test("leave nothing when a put fails, and what killed processes left goes an hour later", async () => {
    await using folder = await createTempDir();
    const breaking = async function* () {
      yield someBytes(MANY_BYTES);
      throw new Error("out of paper");
    };
    await failureOf(fileBlobs(folder.path).put("k", breaking()));
    expect(await readdir(folder.path)).toEqual([]);
    await writeFile(folder.file("temporary-old"), "left");
    await writeFile(folder.file("temporary-new"), "perhaps in use");
    await writeFile(folder.file("other"), "of somebody else");
    for (const name of ["temporary-old", "other"]) await utimes(folder.file(name), LONG_AGO, LONG_AGO);
    await fileBlobs(folder.path).put("k", someBytes(3));

    expect((await readdir(folder.path)).sort()).toEqual(["blob-k", "other", "temporary-new"]);
  });

  test("whose bytes do not come for an hour fail, and say so", async () => {
    await using folder = await createTempDir();
    const slow = async function* () {
      yield someBytes(MANY_BYTES);
      await utimes(await onlyFile(folder.path), LONG_AGO, LONG_AGO);
      await fileBlobs(folder.path).put("other", someBytes(3));
      yield someBytes(3);
    };

    expect(await failureOf(fileBlobs(folder.path).put("slow", slow()))).toMatchObject({
      code: "STORAGE_FAILED",
      message: expect.stringMatching(/^Cannot put blob "slow".*did not come for 60 minutes.*Put it again/),
    });
    expect(await readdir(folder.path)).toEqual(["blob-other"]);
  });

  test("need a folder", async () => {
    await using folder = await createTempDir();
    await writeFile(folder.file("file"), "");
    await link(folder.file("file"), folder.file("other name"));
    const error = await failureOf(fileBlobs(folder.file("file")).put("k", someBytes(3)));

    expect(error).toMatchObject({
      code: "STORAGE_FOLDER_MISSING",
      message: expect.stringMatching(/^Cannot put blob "k" in .*file.*Choose another folder/),
    });
    for (const wrong of ["", "a\0b", 7, null, new URL("https://example.com/")]) {
      expect(() => fileBlobs(wrong as string)).toThrow(expect.objectContaining({ argument: "folder" }));
    }
  });
});
