import { StorageError, type StorageErrorCode } from "async-streams";

const CODES: Readonly<Record<string, StorageErrorCode>> = {
  ENOENT: "STORAGE_FOLDER_MISSING",
  EISDIR: "STORAGE_IS_DIRECTORY",
  EACCES: "STORAGE_PERMISSION_DENIED",
  EPERM: "STORAGE_PERMISSION_DENIED",
  EROFS: "STORAGE_PERMISSION_DENIED",
  ENOSPC: "STORAGE_FULL",
  EIO: "STORAGE_IO",
};

/** What the file system complained about, in the library's words: programs switch on the code, people read the text. */
export function toStorageError(error: unknown, attempt: string, path: string): StorageError {
  if (error instanceof StorageError) return error;
  const code = error instanceof Error && "code" in error ? CODES[String(error.code)] : undefined;
  const reason = error instanceof Error ? error.message : String(error);
  return new StorageError(code ?? "STORAGE_FAILED", `Cannot ${attempt} ${path}: ${reason}`, { cause: error });
}
