import { closeSync, openSync, readdirSync, readFileSync, renameSync, utimesSync, writeSync } from "node:fs";
import { join } from "node:path";
import { PROCESS_PREFIX, removeIfThere } from "./claim-folder.js";
import { describeDescriptor, isOpenInThisProcess } from "./open-descriptor.js";

/** Programs that clean up temporary folders go by a file's age. */
const LIFETIME_MS = 10 * 365 * 24 * 60 * 60 * 1_000;

/**
 * A note to the other threads of this process that this one uses a database, and through which copy of SQLite.
 *
 * It is a file in {@link claimFolder} that is kept open: a note whose descriptor is closed is void. Its content is
 * the path of the copy; its name says of which database it is, once {@link FileClaim.grant} was called.
 */
export class FileClaim {
  readonly folder: string;
  readonly libraryPath: string;
  /** Names the note's file, as {@link describeDescriptor} does. */
  readonly holder: string;
  readonly #descriptor: number;
  #path: string;

  /** @throws an error of the file system */
  constructor(folder: string, libraryPath: string) {
    this.folder = folder;
    this.libraryPath = libraryPath;
    this.#path = join(folder, `${PROCESS_PREFIX}${crypto.randomUUID()}`);
    this.#descriptor = openSync(this.#path, "wx", 0o600);
    try {
      writeSync(this.#descriptor, libraryPath);
      const expiry = (Date.now() + LIFETIME_MS) / 1_000;
      utimesSync(this.#path, expiry, expiry);
      this.holder = describeDescriptor(this.#descriptor);
    } catch (error) {
      this.release();
      throw error;
    }
  }

  /** Lets the other threads see of which database the note is. */
  grant(database: string): void {
    const path = join(this.folder, `${claimsOn(database)}${this.holder}`);
    renameSync(this.#path, path);
    this.#path = path;
  }

  /** The copies of SQLite through which this process uses a database. Removes what terminated threads left behind. */
  librariesInUse(database: string): string[] {
    const libraries: string[] = [];
    const prefix = claimsOn(database);
    for (const name of readdirSync(this.folder)) {
      if (!name.startsWith(prefix)) continue;
      const path = join(this.folder, name);
      if (isOpenInThisProcess(name.slice(prefix.length))) libraries.push(...readIfThere(path));
      else removeIfThere(path);
    }
    return libraries;
  }

  /** Withdraws the note. All connections must be closed by now. */
  release(): void {
    removeIfThere(this.#path);
    closeSync(this.#descriptor);
  }
}

/** The beginning of the names of this process's claims on a database. */
function claimsOn(database: string): string {
  return `${PROCESS_PREFIX}${database}.`;
}

/** The content of a note, unless it was withdrawn a moment ago. */
function readIfThere(path: string): string[] {
  try {
    return [readFileSync(path, "utf8")];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
