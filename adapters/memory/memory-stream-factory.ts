import type { StreamFactory } from "../../protocols/index.js";
import { createStreamFactory } from "../../src/stream/create-stream-factory.js";
import { MemoryNotifier } from "./memory-notifier.js";
import { MemoryStorageHandle } from "./memory-storage-handle.js";

/**
 * Opens a store in this process's memory: for tests, and for what need not outlive the process. An acknowledgement
 * survives nothing beyond the factory.
 *
 * @example
 * ```ts
 * await using streams = memoryStreamFactory();
 * ```
 */
export function memoryStreamFactory(): StreamFactory {
  const storage = new MemoryStorageHandle();
  return createStreamFactory({ storage, notifier: new MemoryNotifier(storage) });
}
