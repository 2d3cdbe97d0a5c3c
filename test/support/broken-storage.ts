import type { StorageHandle } from "../../protocols/index.js";

/** A fault of a storage handle, and where the suite must find it. */
export interface BrokenStorage {
  readonly fault: string;
  readonly group: string;
  readonly found: string;
  readonly breakStorage: (storage: StorageHandle) => StorageHandle;
}
