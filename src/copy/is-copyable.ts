import type { CopyableStorage, StorageHandle } from "../../protocols/index.js";

/** Whether the contents of a storage handle can be copied. */
export function isCopyable(storage: StorageHandle): storage is CopyableStorage {
  const { exportContents, importContents } = storage as Partial<CopyableStorage>;
  return typeof exportContents === "function" && typeof importContents === "function";
}
