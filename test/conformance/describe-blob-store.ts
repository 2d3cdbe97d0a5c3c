import { describeBlobArguments } from "./blobs/arguments.js";
import { describeInterruptedPuts } from "./blobs/interrupted-puts.js";
import { describeBlobKeys } from "./blobs/keys.js";
import { describeListedBlobs } from "./blobs/listed-blobs.js";
import { describeReplacedBlobs } from "./blobs/replaced-blobs.js";
import { describeStoredBlobs } from "./blobs/stored-blobs.js";
import type { ConformanceOptions } from "./runner.js";
import { createSuite } from "./suite.js";
import type { DisposableBlobStore } from "./support/disposable-blob-store.js";

/** The options of {@link describeBlobStore}. */
export type BlobStoreConformanceOptions = ConformanceOptions<DisposableBlobStore>;

/**
 * Registers the tests that every `BlobStore` must pass. A store is disposed of after its test if it can be.
 *
 * @example
 * ```ts
 * import { sqliteStreamFactory } from "async-streams";
 * import { sqliteBlobs } from "async-streams/blobs";
 * import { describeBlobStore } from "async-streams/conformance";
 * import { describe, expect, test } from "vitest";
 *
 * const open = async () => {
 *   const streams = await sqliteStreamFactory(":memory:");
 *   return Object.assign(sqliteBlobs(streams), { [Symbol.asyncDispose]: () => streams[Symbol.asyncDispose]() });
 * };
 * describeBlobStore({ name: "SQLite", describe, test, expect, open });
 * ```
 */
export function describeBlobStore(options: BlobStoreConformanceOptions): void {
  const suite = createSuite<DisposableBlobStore>(options, {
    watched: (blobs, rawErrors) => rawErrors.watch(blobs),
    dispose: async (blobs) => blobs[Symbol.asyncDispose]?.(),
  });
  options.describe(`the blobs of ${options.name}`, () => {
    describeStoredBlobs(suite);
    describeReplacedBlobs(suite);
    describeInterruptedPuts(suite);
    describeListedBlobs(suite);
    describeBlobKeys(suite);
    describeBlobArguments(suite);
  });
}
