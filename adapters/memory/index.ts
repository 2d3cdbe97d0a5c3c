export { MemoryNotifier } from "./memory-notifier.js";
export { MemoryStorageHandle } from "./memory-storage-handle.js";
export { type MemoryOptions, type MemoryStreamFactory, memoryStreamFactory } from "./memory-stream-factory.js";
