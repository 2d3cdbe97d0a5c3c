import { closeSync, constants, fchmodSync, fchownSync, fstatSync, openSync, statSync, writeSync } from "node:fs";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { crc32 } from "node:zlib";

/** An event that was acknowledged. */
export interface AcknowledgedEvent {
  readonly position: number;
  /** Null where the event has none: then only its position is known. */
  readonly checksum: number | null;
}

/** A file of this size takes no more records, and no more of it is read. It is replaced long before. */
const MAX_FILE_BYTES = 1024 * 1024;

/** Never follows a link, and never waits for the other end of a FIFO. Windows has neither flag. */
const OPEN_SAFELY = (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * The file beside a database that says which events were acknowledged: one line for each record.
 *
 * Writers only append, and the system appends each line as a whole. So no writer can replace what another one has
 * recorded, at whatever moment it is stopped or killed. `replace` and `remove` drop records: only a holder of the
 * database's write lock may call them.
 */
export class AcknowledgedPositionFile {
  readonly #database: string;
  readonly #path: string;

  /** @param database - its real path: SQLite keeps the log beside the file that a symbolic link names. */
  constructor(database: string) {
    this.#database = database;
    this.#path = `${database}-head`;
  }

  /** The log of the same database. */
  get logPath(): string {
    return `${this.#database}-wal`;
  }

  async exists(): Promise<boolean> {
    return lstat(this.#path).then(
      () => true,
      () => false,
    );
  }

  /**
   * Adds a record. It does not use the thread pool: the system takes so short a line into its memory at once, and the three
   * hops of opening, writing and closing took several hundredths of a busy writer's time.
   *
   * @returns how many bytes the file has afterwards.
   */
  append(event: AcknowledgedEvent): number {
    // Opened each time: a file that is held open would have to be closed by factories that nobody disposes of.
    const { O_APPEND, O_CREAT, O_WRONLY } = constants;
    const file = openSync(this.#path, O_WRONLY | O_APPEND | O_CREAT | OPEN_SAFELY, 0o644);
    try {
      const size = sizeOf(file);
      if (size >= MAX_FILE_BYTES) return size;
      if (size === 0) this.#giveToOwner(file);
      return size + writeSync(file, encode(event));
    } finally {
      closeSync(file);
    }
  }

  /** @throws Error when something else has the file's name, or it cannot be read. */
  async read(): Promise<readonly AcknowledgedEvent[]> {
    try {
      const file = await open(this.#path, constants.O_RDONLY | OPEN_SAFELY);
      return await readRecords(file).finally(() => file.close());
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw new Error(`${this.#path} cannot be used: ${(cause as Error).message}`, { cause });
    }
  }

  async replace(events: readonly AcknowledgedEvent[]): Promise<void> {
    const { O_CREAT, O_EXCL, O_WRONLY } = constants;
    const path = `${this.#path}-new`;
    await rm(path, { force: true });
    const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | OPEN_SAFELY, 0o644);
    try {
      this.#giveToOwner(file.fd);
      await file.write(events.map(encode).join(""));
    } finally {
      await file.close();
    }
    await rename(path, this.#path);
  }

  async remove(): Promise<void> {
    for (const path of [this.#path, `${this.#path}-new`]) await rm(path, { force: true });
  }

  /** Lets those write the file who may write the database, also after a process of root has created it. */
  #giveToOwner(file: number): void {
    const [{ uid, gid, mode }, found] = [statSync(this.#database), fstatSync(file)];
    // Whoever may not do this has created a file that is its own.
    if (uid !== found.uid || gid !== found.gid) attempt(() => fchownSync(file, uid, gid));
    attempt(() => fchmodSync(file, mode & 0o666));
  }
}

function attempt(change: () => void): void {
  try {
    change();
  } catch {
    // The file stays as it is.
  }
}

/** @throws Error when this is not a regular file, or has a second name: it may be anybody's. */
function sizeOf(file: number): number {
  const found = fstatSync(file);
  if (!found.isFile() || found.nlink > 1) throw new Error("it is not a regular file of one name");
  return found.size;
}

async function readRecords(file: FileHandle): Promise<readonly AcknowledgedEvent[]> {
  const size = sizeOf(file.fd);
  const length = Math.min(size, MAX_FILE_BYTES);
  const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, size - length);
  return decode(buffer.toString("latin1", 0, bytesRead));
}

function encode({ position, checksum }: AcknowledgedEvent): string {
  const text = `position ${position} checksum ${checksum ?? "none"}`;
  return `${text} crc ${crc32(text)}\n`;
}

const RECORD = /(position (\d{1,16}) checksum (-?\d{1,10}|none)) crc (\d{1,10})\n/g;

/** Every whole record. A power cut or a full disk may leave a part of one, in front of the next. */
function decode(text: string): AcknowledgedEvent[] {
  const events: AcknowledgedEvent[] = [];
  for (const [, content, position, checksum, crc] of text.matchAll(RECORD)) {
    if (crc32(content as string) !== Number(crc)) continue;
    events.push({ position: Number(position), checksum: checksum === "none" ? null : Number(checksum) });
  }
  return events;
}
