export { MemoryNotifier } from "./memory-notifier.js";
export { MemoryStorageHandle } from "./memory-storage-handle.js";
export { type MemoryOptions, memoryStreamFactory } from "./memory-stream-factory.js";
