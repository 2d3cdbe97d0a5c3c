import { StorageError, type StorageErrorCode } from "../../protocols/index.js";

interface KnownError {
  readonly code: StorageErrorCode;
  readonly reason: string;
}

const FULL: KnownError = { code: "STORAGE_FULL", reason: "The disk is full. Free some space, and try again" };
const FORBIDDEN: KnownError = {
  code: "STORAGE_PERMISSION_DENIED",
  reason: "The process may not do that. Let it read and write the folder and its files",
};
const TOO_MANY: KnownError = {
  code: "STORAGE_TOO_MANY_FILES",
  reason: "There is no file descriptor left. Close some, and try again",
};
const NO_FOLDER: KnownError = {
  code: "STORAGE_FOLDER_MISSING",
  reason: "There is a file where the folder should be. Choose another folder",
};

const KNOWN: Readonly<Record<string, KnownError>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  EACCES: FORBIDDEN,
  EPERM: FORBIDDEN,
  EROFS: FORBIDDEN,
  EMFILE: TOO_MANY,
  ENFILE: TOO_MANY,
  ENOTDIR: NO_FOLDER,
  EEXIST: NO_FOLDER,
};

/** What a call to the file system fails with, as an error of the library. */
export function fileError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !("syscall" in error)) return error;
  const { code = "", syscall } = error as NodeJS.ErrnoException;
  const { code: storageCode, reason } = KNOWN[code] ?? {
    code: "STORAGE_IO" as const,
    reason: "Check the disk and its mount",
  };
  const message = `The file system failed at ${path} (${code}, ${syscall}). ${reason}.`;
  return new StorageError(storageCode, message, { cause: error });
}

/** Makes a call to the file system. */
export async function onDisk<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fileError(error, path);
  }
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === "ENOENT";
}
