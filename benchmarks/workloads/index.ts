import type { Workload } from "../workload.js";
import { postgresSingleAppends } from "./p1-single-appends.js";
import { postgresConcurrentAppends } from "./p2-concurrent-appends.js";
import { postgresBatches } from "./p3-batches.js";
import { postgresReadStream } from "./p4-read-stream.js";
import { postgresWatchLatency } from "./p5-watch-latency.js";
import { postgresAppendingProcesses } from "./p6-appending-processes.js";
import { postgresIdleQueries } from "./p7-idle-queries.js";
import { wiretuner } from "./s01-wiretuner.js";
import { openfroyo } from "./s02-openfroyo.js";
import { flowforgeWorker } from "./s03-flowforge-worker.js";
import { singleAppends } from "./w01-single-appends.js";
import { retries } from "./w01r-retries.js";
import { keyedBatches, plainBatches } from "./w02-batches.js";
import { concurrentAppends } from "./w03-concurrent-appends.js";
import { readStream } from "./w04-read-stream.js";
import { readLast } from "./w05-read-last.js";
import { watchLatency } from "./w06-watch-latency.js";
import { watchAcrossProcesses } from "./w06b-watch-across-processes.js";
import { idleWatchers } from "./w07-idle-watchers.js";
import { memory } from "./w08-memory.js";
import { manyWatchers } from "./w09-many-watchers.js";
import { openStore } from "./w10-open.js";
import { bytesOnDisk } from "./w11-bytes-on-disk.js";
import { millionEvents } from "./w12-million-events.js";
import { storeSize } from "./w13-store-size.js";
import { eventLoopDelay } from "./w14-event-loop-delay.js";
import { transactions } from "./w15-transactions.js";
import { concurrentTransactions } from "./w16-concurrent-transactions.js";
import { severalStreams } from "./w17-several-streams.js";
import { conditions } from "./w18-conditions.js";
import { streamPages } from "./w19-stream-pages.js";
import { fieldIndexes } from "./w20-field-indexes.js";
import { churn } from "./w21-churn.js";
import { typedReads } from "./w22-typed-reads.js";
import { commands, singleCommands } from "./w23-commands.js";
import { commandsBesideWrites } from "./w24-commands-beside-writes.js";
import { contendedCommands } from "./w25-contended-commands.js";
import { longStates } from "./w26-long-states.js";
import { sealedReads } from "./w27-sealed-reads.js";
import { projections } from "./w28-projections.js";
import { inlineProjections } from "./w29-inline-projections.js";
import { consumers } from "./w30-consumers.js";
import { rebuildBesideWrites } from "./w31-rebuild-beside-writes.js";
import { workerProjections } from "./w32-worker-projections.js";
import { processedLatency } from "./w33-processed-latency.js";
import { idleProjections } from "./w34-idle-projections.js";

/** In the order of the tables' rows. */
export const WORKLOADS: readonly Workload[] = [
  singleAppends,
  retries,
  keyedBatches,
  plainBatches,
  concurrentAppends,
  readStream,
  readLast,
  watchLatency,
  watchAcrossProcesses,
  idleWatchers,
  memory,
  manyWatchers,
  openStore,
  bytesOnDisk,
  millionEvents,
  storeSize,
  eventLoopDelay,
  transactions,
  concurrentTransactions,
  severalStreams,
  conditions,
  streamPages,
  fieldIndexes,
  churn,
  typedReads,
  wiretuner,
  openfroyo,
  flowforgeWorker,
  sealedReads,
  commands,
  singleCommands,
  commandsBesideWrites,
  contendedCommands,
  longStates,
  projections,
  inlineProjections,
  consumers,
  rebuildBesideWrites,
  workerProjections,
  processedLatency,
  idleProjections,
  postgresSingleAppends,
  postgresConcurrentAppends,
  postgresBatches,
  postgresReadStream,
  postgresWatchLatency,
  postgresAppendingProcesses,
  postgresIdleQueries,
];

export function workloadOf(id: string): Workload {
  const workload = WORKLOADS.find((candidate) => candidate.id === id);
  if (workload === undefined) throw new Error(`no such workload: ${id}`);
  return workload;
}
