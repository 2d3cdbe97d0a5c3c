export { MemoryNotifier } from "./memory-notifier.js";
export { MemoryStorageHandle } from "./memory-storage-handle.js";
export { memoryStreamFactory } from "./memory-stream-factory.js";
