import { StorageError, type StorageErrorCode } from "../../protocols/index.js";
import { fileErrorCode } from "../../src/adapter-kit/file-error-code.js";

const CHECK_DISK = "Check the disk and its mount";
const IN_DOUBT = "The change was made and may not last: the blob may or may not be there";

/** Why a call fails, and what to do. */
const REASONS: Readonly<Partial<Record<StorageErrorCode, string>>> = {
  STORAGE_FULL: "The disk is full. Free some space, and try again",
  STORAGE_PERMISSION_DENIED: "The process may not do that. Let it read and write the folder and its files",
  STORAGE_TOO_MANY_FILES: "There is no file descriptor left. Close some, and try again",
  STORAGE_FOLDER_MISSING: "There is a file where the folder should be. Choose another folder",
};

/** What a call to the file system fails with, as an error of the library. */
export function fileError(error: unknown, path: string): unknown {
  if (!isSystemError(error)) return error;
  const code = error.code === "ENOTDIR" || error.code === "EEXIST" ? "STORAGE_FOLDER_MISSING" : fileErrorCode(error);
  return failedAt(path, error, code, REASONS[code] ?? CHECK_DISK);
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error;
}

function failedAt(path: string, cause: NodeJS.ErrnoException, code: StorageErrorCode, reason: string): StorageError {
  const { code: systemCode = "", syscall } = cause;
  const message = `The file system failed at ${path} (${systemCode}, ${syscall}). ${reason}.`;
  return new StorageError(code, message, { cause });
}

/** Makes what was done durable. Where that fails, whatever the reason, nobody knows whether it lasts. */
export async function inDoubt<T>(path: string, flush: () => Promise<T>): Promise<T> {
  try {
    return await flush();
  } catch (error) {
    throw isSystemError(error)
      ? failedAt(path, error, "STORAGE_IO", `${IN_DOUBT}. ${CHECK_DISK}, and do it again`)
      : error;
  }
}

/** Makes a call to the file system. */
export async function onDisk<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Makes a call to the file system. @returns null when there is no such file */
export function ifThere<T>(path: string, call: () => Promise<T>): Promise<T | null> {
  return onDisk(path, async () => {
    try {
      return await call();
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  });
}

export function isMissing(error: unknown): boolean {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === "ENOENT";
}
