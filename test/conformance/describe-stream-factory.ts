import type { StreamFactory } from "../../protocols/index.js";
import { describeAdministrationArguments } from "./factory/administration-arguments.js";
import { describeAllStream } from "./factory/all-stream.js";
import { describeConcurrency } from "./factory/concurrency.js";
import { describeConditions } from "./factory/conditions.js";
import { describeDeleteStream } from "./factory/delete-stream.js";
import { describeDispose } from "./factory/dispose.js";
import { describeFilters } from "./factory/filters.js";
import { describeHandleVersion } from "./factory/handle-version.js";
import { describeIdempotency } from "./factory/idempotency.js";
import { describeInvalidArguments } from "./factory/invalid-arguments.js";
import { describeInvalidEvents } from "./factory/invalid-events.js";
import { describeInvalidFilters } from "./factory/invalid-filters.js";
import { describeMaintenance } from "./factory/maintenance.js";
import { describeMetrics } from "./factory/metrics.js";
import { describeMigrations } from "./factory/migrations.js";
import { describeOpenStream } from "./factory/open-stream.js";
import { describePruneStream } from "./factory/prune-stream.js";
import { describeRead } from "./factory/read.js";
import { describeReadInterplay } from "./factory/read-interplay.js";
import { describeReadSignal } from "./factory/read-signal.js";
import { describeRecords } from "./factory/records.js";
import { describeRetention } from "./factory/retention.js";
import { describeSnapshotStates } from "./factory/snapshot-states.js";
import { describeSnapshots } from "./factory/snapshots.js";
import { describeStreamList } from "./factory/stream-list.js";
import { describeStreamMetadata } from "./factory/stream-metadata.js";
import { describeTables } from "./factory/tables.js";
import { describeTransaction } from "./factory/transaction.js";
import { describeTransactionFailures } from "./factory/transaction-failures.js";
import { describeValues } from "./factory/values.js";
import { describeWatch } from "./factory/watch.js";
import { describeWatchEnd } from "./factory/watch-end.js";
import { describeWatchFilter } from "./factory/watch-filter.js";
import { describeWatchHandOver } from "./factory/watch-hand-over.js";
import { describeWatchIterator } from "./factory/watch-iterator.js";
import { describeWatchNeighbours } from "./factory/watch-neighbours.js";
import { describeWatchPace } from "./factory/watch-pace.js";
import { describeWatchStart } from "./factory/watch-start.js";
import { describeWrite } from "./factory/write.js";
import { describeWriteAll } from "./factory/write-all.js";
import { describeWriteAllArguments } from "./factory/write-all-arguments.js";
import { describeWriteAllRetries } from "./factory/write-all-retries.js";
import { describeWriteOrder } from "./factory/write-order.js";
import { describeWriteSignal } from "./factory/write-signal.js";
import type { ConformanceOptions } from "./runner.js";
import { createSuite } from "./suite.js";

/** The options of {@link describeStreamFactory}. */
export type StreamFactoryConformanceOptions = ConformanceOptions<StreamFactory>;

/**
 * Registers the tests of the whole contract, through the interface that users of a store have.
 *
 * What only some stores can do is tested where the factory has the methods for it: `verify` and `backup`,
 * `writeAll`, `transaction` and `query`, and the calls that administer streams. Tables and migrations are tested where
 * `tx.sql` does not answer `STORAGE_UNSUPPORTED`. `onLeftOut` is told what it does not have.
 *
 * @example
 * ```ts
 * import { describeStreamFactory } from "async-streams/conformance";
 * import { memoryStreamFactory } from "async-streams/memory";
 * import { describe, expect, test } from "vitest";
 *
 * describeStreamFactory({ name: "memory", describe, test, expect, open: async () => memoryStreamFactory() });
 * ```
 */
export function describeStreamFactory(options: StreamFactoryConformanceOptions): void {
  const suite = createSuite(options, {
    watched: (streams, rawErrors) => rawErrors.watch(streams),
    dispose: (streams) => streams[Symbol.asyncDispose](),
  });
  const parts = [
    describeOpenStream,
    describeWrite,
    describeWriteOrder,
    describeWriteSignal,
    describeConcurrency,
    describeIdempotency,
    describeValues,
    describeInvalidEvents,
    describeInvalidArguments,
    describeHandleVersion,
    describeRead,
    describeReadInterplay,
    describeReadSignal,
    describeFilters,
    describeInvalidFilters,
    describeWatch,
    describeWatchStart,
    describeWatchHandOver,
    describeWatchIterator,
    describeWatchPace,
    describeWatchNeighbours,
    describeWatchFilter,
    describeWatchEnd,
    describeAllStream,
    describeSnapshots,
    describeSnapshotStates,
    describeMetrics,
    describeMaintenance,
    describeWriteAll,
    describeWriteAllRetries,
    describeWriteAllArguments,
    describeConditions,
    describeTransaction,
    describeTransactionFailures,
    describeRecords,
    describeTables,
    describeMigrations,
    describeStreamList,
    describeStreamMetadata,
    describePruneStream,
    describeDeleteStream,
    describeRetention,
    describeAdministrationArguments,
    describeDispose,
  ];
  options.describe(`the streams of ${options.name}`, () => {
    for (const describePart of parts) describePart(suite);
    suite.testLeftOut();
  });
}
