import { type FileHandle, mkdir, open, opendir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { compareCodePoints } from "../../src/adapter-kit/code-point-order.js";
import { MAX_LISTED_KEYS, STALE_PUT_MS } from "../../src/limits.js";
import { lookAtFile } from "./blob-file.js";
import { isTemporary, keyOfName } from "./blob-names.js";
import { inDoubt, isMissing, onDisk } from "./file-errors.js";

/** The folder of a store of blobs. */
export class BlobFolder {
  readonly path: string;
  #nextSweepMs = 0;

  constructor(path: string) {
    this.path = path;
  }

  /** Makes the folder, and those that it is in, if they are not there. */
  async make(): Promise<void> {
    const first = await onDisk(this.path, () => mkdir(this.path, { recursive: true }));
    if (first === undefined) return;
    // Each new folder is an entry of the one that it is in.
    for (let made = this.path; made.length >= first.length; made = dirname(made)) await flushFolder(dirname(made));
  }

  /**
   * Changes its entries, durably. It is opened before, so that nothing has changed where it cannot be opened.
   *
   * @throws StorageError `STORAGE_IO` when the change was made and may not last
   */
  async change(make: () => Promise<void>): Promise<void> {
    const folder = await openFolder(this.path);
    try {
      await make();
      await inDoubt(this.path, async () => folder?.sync());
    } finally {
      await folder?.close();
    }
  }

  /** Removes what puts of killed processes have left. It looks for it once in a while. */
  async sweep(): Promise<void> {
    const nowMs = Date.now();
    if (nowMs < this.#nextSweepMs) return;
    this.#nextSweepMs = nowMs + STALE_PUT_MS;
    try {
      for await (const name of this.#names()) {
        if (!isTemporary(name)) continue;
        const path = join(this.path, name);
        // Another process may have removed it, or its put may have come to its end.
        const file = await stat(path).catch(() => undefined);
        if (file !== undefined && file.mtimeMs < nowMs - STALE_PUT_MS) await unlink(path).catch(() => undefined);
      }
    } catch {
      // The put that looked for it has succeeded all the same, and a later one looks again.
    }
  }

  /**
   * The first keys that come after another, in order.
   *
   * @param after - undefined: from the first key on
   * @returns the keys, and whether there are more
   */
  async keysAfter(after: string | undefined, prefix: string): Promise<{ keys: string[]; isLast: boolean }> {
    const keys: string[] = [];
    let last: string | undefined;
    for await (const name of this.#names()) {
      const key = await this.#keyOf(name);
      if (key === undefined || !key.startsWith(prefix)) continue;
      if (after !== undefined && compareCodePoints(key, after) <= 0) continue;
      if (last !== undefined && compareCodePoints(key, last) > 0) continue;
      keys.push(key);
      if (keys.length < MAX_LISTED_KEYS) continue;
      // What comes behind the first half is for the next look.
      keys.sort(compareCodePoints).length = Math.ceil(MAX_LISTED_KEYS / 2);
      last = keys.at(-1);
    }
    return { keys: keys.sort(compareCodePoints), isLast: last === undefined };
  }

  async #keyOf(name: string): Promise<string | undefined> {
    const key = keyOfName(name);
    if (key !== null) return key;
    return (await lookAtFile(join(this.path, name)))?.trailer.key;
  }

  async *#names(): AsyncGenerator<string, void> {
    try {
      for await (const { name } of await opendir(this.path)) yield name;
    } catch (error) {
      if (!isMissing(error)) await onDisk(this.path, () => Promise.reject(error));
    }
  }
}

async function flushFolder(path: string): Promise<void> {
  const folder = await openFolder(path);
  try {
    await onDisk(path, async () => folder?.sync());
  } finally {
    await folder?.close();
  }
}

/** Undefined: Windows has no such call. */
async function openFolder(path: string): Promise<FileHandle | undefined> {
  return process.platform === "win32" ? undefined : onDisk(path, () => open(path, "r"));
}
