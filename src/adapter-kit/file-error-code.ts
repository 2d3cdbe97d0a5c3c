import type { StorageErrorCode } from "../../protocols/index.js";

const FILE_ERRORS: Readonly<Record<string, StorageErrorCode>> = {
  ENOSPC: "STORAGE_FULL",
  EDQUOT: "STORAGE_FULL",
  EACCES: "STORAGE_PERMISSION_DENIED",
  EPERM: "STORAGE_PERMISSION_DENIED",
  EROFS: "STORAGE_PERMISSION_DENIED",
  EMFILE: "STORAGE_TOO_MANY_FILES",
  ENFILE: "STORAGE_TOO_MANY_FILES",
};

/** The meaning of a file-system error for a store. */
export function fileErrorCode(error: unknown): StorageErrorCode {
  return FILE_ERRORS[(error as NodeJS.ErrnoException).code ?? ""] ?? "STORAGE_IO";
}
