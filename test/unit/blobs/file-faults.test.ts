import { type FileHandle, readdir } from "node:fs/promises";
import { describe, expect, test, vi } from "vitest";
import { fileBlobs } from "../../../blobs.js";
import { isStreamError } from "../../../index.js";
import { allBytes, inPieces, someBytes } from "../../conformance/support/blob-bytes.js";
import { failureOf } from "../../conformance/support/failure-of.js";
import { createTempDir } from "../../support/temp-dir.js";

/** The calls to the file system that were made, and which of them fails. */
const disk = vi.hoisted(() => ({
  calls: [] as string[],
  failsAt: Number.POSITIVE_INFINITY,
  code: "EIO",
  /** How many bytes one write takes. */
  writeBytes: Number.POSITIVE_INFINITY,
}));

/** Makes a call, unless it is the one that fails. */
const call = vi.hoisted(() => async <T>(name: string, path: string, make: () => Promise<T>): Promise<T> => {
  disk.calls.push(`${name} ${/temporary-|blob-/.exec(path)?.[0] ?? "folder"}`);
  if (disk.calls.length - 1 !== disk.failsAt) return make();
  throw Object.assign(new Error(`${disk.code}: on purpose`), { code: disk.code, syscall: name });
});

vi.mock("node:fs/promises", async (importOriginal) => {
  const fs = await importOriginal<typeof import("node:fs/promises")>();
  const watched = (handle: FileHandle, path: string) =>
    new Proxy(handle, {
      get(_, key) {
        const member = Reflect.get(handle, key, handle) as unknown;
        if (typeof member !== "function") return member;
        if (key === "close") return member.bind(handle);
        return (...args: unknown[]) => {
          if (key === "write")
            args = [(args[0] as Uint8Array).subarray(Number(args[1]), Number(args[1]) + disk.writeBytes)];
          return call(String(key), path, () => member.apply(handle, args));
        };
      },
    });
  return {
    ...fs,
    mkdir: (path: string, options: object) => call("mkdir", path, () => fs.mkdir(path, options)),
    open: (path: string, flags: string) => call("open", path, async () => watched(await fs.open(path, flags), path)),
    rename: (from: string, to: string) => call("rename", from, () => fs.rename(from, to)),
    unlink: (path: string) => call("unlink", path, () => fs.unlink(path)),
  };
});

async function putting(folder: string, content: Uint8Array, failsAt: number, code = "EIO"): Promise<unknown> {
  Object.assign(disk, { calls: [], failsAt, code });
  try {
    return await fileBlobs(folder)
      .put("k", inPieces(content, 100_000))
      .catch((error: unknown) => error);
  } finally {
    disk.failsAt = Number.POSITIVE_INFINITY;
  }
}

describe("a put into a folder", () => {
  test("flushes the file before it has its name, and the folder after that", async () => {
    await using folder = await createTempDir();
    await putting(folder.path, someBytes(300_000), Number.POSITIVE_INFINITY);
    const { calls } = disk;

    // How many writes there are is up to the size of the chunks.
    const isFirst = (name: string, index: number): boolean => name !== calls[index - 1];
    expect(calls.filter(isFirst).filter((name) => name !== "mkdir folder")).toEqual([
      "open temporary-",
      "write temporary-",
      "sync temporary-",
      "open folder",
      "rename temporary-",
      "sync folder",
    ]);
  });

  test("flushes each folder that it makes", async () => {
    await using folder = await createTempDir();
    await putting(folder.file("a/b"), someBytes(3), Number.POSITIVE_INFINITY);

    expect(disk.calls.slice(0, 5)).toEqual([
      "mkdir folder",
      "open folder",
      "sync folder",
      "open folder",
      "sync folder",
    ]);
  });

  test("goes on where a write took only a part", async () => {
    await using folder = await createTempDir();
    disk.writeBytes = 1_000;
    await putting(folder.path, someBytes(300_000), Number.POSITIVE_INFINITY);
    disk.writeBytes = Number.POSITIVE_INFINITY;

    expect(await allBytes((await fileBlobs(folder.path).get("k"))?.data ?? inPieces(someBytes(0), 1))).toEqual(
      someBytes(300_000),
    );
  });

  test("keeps the former blob and leaves nothing, whichever call to the disk fails", async () => {
    await using folder = await createTempDir();
    const blobs = fileBlobs(folder.path);
    await blobs.put("k", someBytes(10));
    let failedName = "";
    for (let failsAt = 0; failedName !== "rename temporary-"; failsAt += 1) {
      const outcome = await putting(folder.path, someBytes(300_000), failsAt);
      failedName = disk.calls[failsAt] ?? "";
      expect(outcome).toMatchObject({
        code: "STORAGE_IO",
        message: expect.stringMatching(
          /^Cannot put blob "k" in .*: the file system failed at .* \(EIO, .*\)\. Check the disk/,
        ),
      });
      expect(await readdir(folder.path)).toEqual(["blob-k"]);
      expect((await blobs.stat("k"))?.size).toBe(10);
    }
  });

  test.each(["EIO", "ENOSPC", "EDQUOT"])(
    "says that the blob may be there when its name may not last: %s",
    async (code) => {
      await using folder = await createTempDir();
      await fileBlobs(folder.path).put("k", someBytes(10));
      await putting(folder.path, someBytes(3), Number.POSITIVE_INFINITY);
      const outcome = await putting(folder.path, someBytes(300), disk.calls.lastIndexOf("sync folder"), code);

      expect(outcome).toMatchObject({
        code: "STORAGE_IO",
        message: expect.stringContaining("may or may not be there"),
      });
      expect((await fileBlobs(folder.path).stat("k"))?.size).toBe(300);
      expect(await readdir(folder.path)).toEqual(["blob-k"]);
    },
  );

  test.each([
    ["ENOSPC", "STORAGE_FULL", true],
    ["EDQUOT", "STORAGE_FULL", true],
    ["EACCES", "STORAGE_PERMISSION_DENIED", false],
    ["EROFS", "STORAGE_PERMISSION_DENIED", false],
    ["EMFILE", "STORAGE_TOO_MANY_FILES", true],
    ["EIO", "STORAGE_IO", false],
  ])("says with a code what went wrong: %s", async (code, expected, retryable) => {
    await using folder = await createTempDir();
    const error = await putting(folder.path, someBytes(3), 2, code);

    expect(error).toMatchObject({ code: expected, retryable });
    expect(isStreamError(error)).toBe(true);
  });
});

describe("a blob that is deleted from a folder", () => {
  async function deleting(folder: string, failsAt: number): Promise<unknown> {
    Object.assign(disk, { calls: [], failsAt, code: "ENOSPC" });
    try {
      return await failureOf(fileBlobs(folder).delete("k"));
    } finally {
      disk.failsAt = Number.POSITIVE_INFINITY;
    }
  }

  test("is there as before when the folder cannot be opened or its file cannot be removed", async () => {
    await using folder = await createTempDir();
    await fileBlobs(folder.path).put("k", someBytes(10));

    for (const [failsAt, name] of ["open folder", "unlink blob-"].entries()) {
      expect(await deleting(folder.path, failsAt)).toMatchObject({ code: "STORAGE_FULL" });
      expect(disk.calls[failsAt]).toBe(name);
      expect((await fileBlobs(folder.path).stat("k"))?.size).toBe(10);
    }
  });

  test("may be there or not when it may not last that it is gone, and the error says so", async () => {
    await using folder = await createTempDir();
    await fileBlobs(folder.path).put("k", someBytes(10));
    const outcome = await deleting(folder.path, 2);

    expect(outcome).toMatchObject({ code: "STORAGE_IO", message: expect.stringContaining("may or may not be there") });
    expect(await fileBlobs(folder.path).stat("k")).toBe(null);
  });
});

describe("the blobs of a folder", () => {
  test("say with a code when they cannot be read or deleted", async () => {
    await using folder = await createTempDir();
    const blobs = fileBlobs(folder.path);
    await blobs.put("k", someBytes(700_000));
    const found = await blobs.get("k");
    const reading: [string, () => Promise<unknown>][] = [
      ["get", () => blobs.get("k")],
      ["find", () => blobs.stat("k")],
      ["delete", () => blobs.delete("k")],
      ["get", () => allBytes(found?.data ?? inPieces(someBytes(0), 1))],
    ];
    for (const [verb, read] of reading) {
      Object.assign(disk, { calls: [], failsAt: 0, code: "EACCES" });
      const message = expect.stringMatching(new RegExp(`^Cannot ${verb} blob "k" in .*Let it read and write`));
      expect(await failureOf(read())).toMatchObject({ code: "STORAGE_PERMISSION_DENIED", message });
    }
    disk.failsAt = Number.POSITIVE_INFINITY;
    expect((await blobs.stat("k"))?.size).toBe(700_000);
  });
});
