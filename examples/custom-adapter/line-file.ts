import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { StorageError } from "async-streams";
import { toStorageError } from "./file-errors.js";

const NEWLINE = 0x0a;
const CHUNK_BYTES = 1024 * 1024;

/** The place of a line in the file, without its newline. */
export interface LinePlace {
  readonly offset: number;
  readonly length: number;
}

/** A file of lines that only grows. Knows nothing of events. */
export class LineFile {
  readonly path: string;
  readonly #file: FileHandle;
  #size = 0;
  /** Set when a failed append could not be undone: what the file holds is then unknown, and nothing more is added. */
  #failure: StorageError | undefined;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  static async open(path: string): Promise<LineFile> {
    try {
      return new LineFile(path, await open(path, constants.O_RDWR | constants.O_CREAT));
    } catch (error) {
      throw toStorageError(error, "open", path);
    }
  }

  /**
   * Shows every line to `onLine`, which returns whether the file may end behind it. What follows the last such line was
   * left by a process that died while it wrote: nobody was told that it is stored, and it is cut off.
   *
   * @param lineStart - how each line begins. A file that ends with something else is not ours to cut.
   */
  async recover(lineStart: string, onLine: (text: string, place: LinePlace) => boolean): Promise<void> {
    let offset = 0;
    let rest = Buffer.alloc(0);
    for await (const chunk of this.#file.createReadStream({ start: 0, autoClose: false, highWaterMark: CHUNK_BYTES })) {
      rest = Buffer.concat([rest, chunk as Buffer]);
      let start = 0;
      for (let end = rest.indexOf(NEWLINE); end >= 0; end = rest.indexOf(NEWLINE, start)) {
        const length = end - start;
        if (onLine(rest.toString("utf8", start, end), { offset, length })) this.#size = offset + length + 1;
        offset += length + 1;
        start = end + 1;
      }
      rest = rest.subarray(start);
    }
    const tail = rest.toString("utf8", 0, lineStart.length);
    if (!lineStart.startsWith(tail)) {
      throw new StorageError("STORAGE_NOT_A_DATABASE", `Cannot open ${this.path}: it is no store of this adapter`);
    }
    await this.#cutTail();
  }

  /** Adds lines in one piece. When the promise resolves, the disk has them. */
  async append(texts: readonly string[]): Promise<LinePlace[]> {
    if (this.#failure !== undefined) throw this.#failure;
    const places: LinePlace[] = [];
    let end = this.#size;
    for (const text of texts) {
      const length = Buffer.byteLength(text);
      places.push({ offset: end, length });
      end += length + 1;
    }
    try {
      await this.#writeFully(Buffer.from(`${texts.join("\n")}\n`));
      await this.#file.datasync();
    } catch (error) {
      await this.#undoAppend(error);
      throw toStorageError(error, "append to", this.path);
    }
    this.#size = end;
    return places;
  }

  async read({ offset, length }: LinePlace): Promise<string> {
    const bytes = Buffer.alloc(length);
    try {
      let done = 0;
      while (done < length) {
        const { bytesRead } = await this.#file.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw new StorageError("STORAGE_CORRUPT", `Cannot read ${this.path}: it became shorter`);
        done += bytesRead;
      }
    } catch (error) {
      throw toStorageError(error, "read", this.path);
    }
    return bytes.toString("utf8");
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #writeFully(bytes: Buffer): Promise<void> {
    let done = 0;
    while (done < bytes.length) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#size + done);
      done += bytesWritten;
    }
  }

  async #undoAppend(cause: unknown): Promise<void> {
    try {
      await this.#cutTail();
    } catch {
      const message = `Cannot append to ${this.path}: an earlier append failed and could not be undone; open it again`;
      this.#failure = new StorageError("STORAGE_IO", message, { cause });
    }
  }

  async #cutTail(): Promise<void> {
    await this.#file.truncate(this.#size);
    await this.#file.datasync();
  }
}
