/**
 * The tests that every adapter must pass, for any test runner that has `describe`, `test` and `expect`.
 *
 * @packageDocumentation
 */
export {
  type BlobStoreConformanceOptions,
  describeBlobStore,
} from "./describe-blob-store.js";
export { describeNotifier, type NotifierConformanceOptions } from "./describe-notifier.js";
export { describeStorageHandle, type StorageConformanceOptions } from "./describe-storage-handle.js";
export { describeStreamFactory, type StreamFactoryConformanceOptions } from "./describe-stream-factory.js";
export type {
  ConformanceDescribe,
  ConformanceExpect,
  ConformanceMatchers,
  ConformanceOptions,
  ConformanceTest,
} from "./runner.js";
export type { DisposableBlobStore } from "./support/disposable-blob-store.js";
