import type { StorageHandle } from "../../protocols/index.js";
import type { ConformanceOptions } from "./runner.js";
import { describeAllStream } from "./storage/all-stream.js";
import { describeAppend } from "./storage/append.js";
import { describeAppendAll } from "./storage/append-all.js";
import { describeAppendTogether } from "./storage/append-together.js";
import { describeConcurrentAppends } from "./storage/concurrent-appends.js";
import { describeContents } from "./storage/contents.js";
import { describeDeleteSnapshots } from "./storage/delete-snapshots.js";
import { describeExpectedVersion } from "./storage/expected-version.js";
import { describeFilters } from "./storage/filters.js";
import { describeIdempotency } from "./storage/idempotency.js";
import { describeKeyConflicts } from "./storage/key-conflicts.js";
import { describeLifecycle } from "./storage/lifecycle.js";
import { describeListRecords } from "./storage/list-records.js";
import { describeListStreams } from "./storage/list-streams.js";
import { describeMetrics } from "./storage/metrics.js";
import { describeReadPage } from "./storage/read-page.js";
import { describeRemoveBefore } from "./storage/remove-before.js";
import { describeSignal } from "./storage/signal.js";
import { describeSnapshots } from "./storage/snapshots.js";
import { describeStreamIds } from "./storage/stream-ids.js";
import { describeTransact } from "./storage/transact.js";
import { describeValues } from "./storage/values.js";
import { createSuite } from "./suite.js";

/** The options of {@link describeStorageHandle}. */
export type StorageConformanceOptions = ConformanceOptions<StorageHandle>;

/**
 * Registers the tests that every `StorageHandle` must pass, and those of `appendAll`, of `transact`, of
 * an `AdministrableStorage` and of a `CopyableStorage` where it has them. `onLeftOut` is told what it does not have.
 *
 * @example
 * ```ts
 * import { describeStorageHandle } from "async-streams/conformance";
 * import { MemoryStorageHandle } from "async-streams/memory";
 * import { describe, expect, test } from "vitest";
 *
 * describeStorageHandle({ name: "memory", describe, test, expect, open: async () => new MemoryStorageHandle() });
 * ```
 */
export function describeStorageHandle(options: StorageConformanceOptions): void {
  const suite = createSuite(options, {
    watched: (storage, rawErrors) => rawErrors.watch(storage),
    dispose: (storage) => Promise.resolve(storage[Symbol.asyncDispose]()),
  });
  options.describe(`the storage handle of ${options.name}`, () => {
    describeAppend(suite);
    describeConcurrentAppends(suite);
    describeExpectedVersion(suite);
    describeIdempotency(suite);
    describeKeyConflicts(suite);
    describeSignal(suite);
    describeValues(suite);
    describeStreamIds(suite);
    describeReadPage(suite);
    describeAllStream(suite);
    describeFilters(suite);
    describeSnapshots(suite);
    describeMetrics(suite);
    describeAppendAll(suite);
    describeTransact(suite);
    describeAppendTogether(suite);
    describeListRecords(suite);
    describeContents(suite);
    describeListStreams(suite);
    describeRemoveBefore(suite);
    describeDeleteSnapshots(suite);
    describeLifecycle(suite);
    suite.testLeftOut();
  });
}
