import { closeSync, fstatSync, openSync, statSync } from "node:fs";

/**
 * How coarse the clock of a file system may be. Two changes of a folder within one tick leave the same time, so that a
 * folder which changed just now may change again without a trace.
 */
const CLOCK_TICK_MS = 50;

/**
 * Notices when anything in a folder is created, renamed or removed, or the folder itself is renamed: its time of change
 * tells.
 *
 * The folder stays open: looking at an open file costs about half as much as looking at a path, and each commit looks.
 */
export class FolderChanges {
  readonly #folder: number | undefined;
  readonly #path: string;
  #seenMs: number | undefined;

  constructor(path: string) {
    this.#path = path;
    this.#folder = openFolder(path);
  }

  /** The time of the last change. Undefined where the system does not say, and where it may be that of two changes. */
  changedMs(): number | undefined {
    try {
      const { ctimeMs } = this.#folder === undefined ? statSync(this.#path) : fstatSync(this.#folder);
      return Date.now() - ctimeMs > CLOCK_TICK_MS ? ctimeMs : undefined;
    } catch {
      return undefined;
    }
  }

  /** Whether this is the time of the change that was seen last. */
  isSeen(changedMs: number | undefined): boolean {
    return changedMs !== undefined && changedMs === this.#seenMs;
  }

  /** Takes note of a time, after the files were looked at. It was asked for before that. */
  seen(changedMs: number | undefined): void {
    this.#seenMs = changedMs;
  }

  close(): void {
    if (this.#folder !== undefined) closeSync(this.#folder);
  }
}

/** Undefined where a folder cannot be opened: on Windows, and where no descriptor is left. */
function openFolder(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined;
  }
}
