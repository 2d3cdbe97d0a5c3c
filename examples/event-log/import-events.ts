import type { CandidateEvent, Stream, StreamFactory } from "async-streams";
import { type LogEvent, type LogRecord, toEvent, toStoredName } from "./log-record.js";
import { messageOf, Problem } from "./problem.js";
import { fingerprintOf, Tally } from "./tally.js";

export interface ImportOptions {
  /** How many records are on their way into the store at a time. */
  readonly batchSize: number;
  readonly signal: AbortSignal;
  readonly onProgress: (recordCount: number) => void;
}

/** The contents of the log, to compare with what is read back. */
export interface ImportResult {
  readonly written: number;
  /** All records, in the order of the log. */
  readonly total: Tally;
  /** The records of each stream. Memory grows with the number of streams, never with that of events. */
  readonly streams: ReadonlyMap<string, Tally>;
}

/**
 * Writes every record to the stream of its case, and keeps the order of the log: also across streams, because writes
 * are stored in the order in which they are called, without being awaited one by one.
 *
 * Each event is named by its place in its case, so a second import of a log adds nothing, and an import that was
 * interrupted is completed by the next.
 */
export async function importEvents(
  streams: StreamFactory,
  records: AsyncIterable<LogRecord>,
  { batchSize, signal, onProgress }: ImportOptions,
): Promise<ImportResult> {
  const total = new Tally();
  const tallies = new Map<string, Tally>();
  let written = 0;

  const store = async (batch: readonly LogRecord[]): Promise<void> => {
    signal.throwIfAborted();
    written += await writeRuns(streams, toRuns(batch, total, tallies));
    onProgress(total.count);
  };

  let batch: LogRecord[] = [];
  for await (const record of records) {
    batch.push(record);
    if (batch.length < batchSize) continue;
    await store(batch);
    batch = [];
  }
  await store(batch);
  return { written, total, streams: tallies };
}

/** Records of one stream that follow each other in the log: one write. */
interface Run {
  readonly streamId: string;
  readonly events: CandidateEvent<LogEvent>[];
}

/** Cuts a batch into runs, and counts its records in the tallies. */
function toRuns(batch: readonly LogRecord[], total: Tally, tallies: Map<string, Tally>): Run[] {
  const runs: Run[] = [];
  for (const record of batch) {
    const streamId = toStoredName(record.case);
    const tally = tallies.get(streamId) ?? new Tally();
    tallies.set(streamId, tally);
    const fingerprint = fingerprintOf(record);
    tally.add(fingerprint);
    total.add(fingerprint);
    if (runs.at(-1)?.streamId !== streamId) runs.push({ streamId, events: [] });
    runs.at(-1)?.events.push(toEvent(record, tally.count));
  }
  return runs;
}

async function writeRuns(streams: StreamFactory, runs: readonly Run[]): Promise<number> {
  const handles = new Map<string, Stream<LogEvent>>();
  try {
    const streamIds = [...new Set(runs.map((run) => run.streamId))];
    await Promise.all(
      streamIds.map(async (streamId) => handles.set(streamId, await streams.openStream<LogEvent>(streamId))),
    );
    const writes = runs.map(({ streamId, events }) => (handles.get(streamId) as Stream<LogEvent>).write(events));
    const results = await Promise.all(writes);
    return results.reduce((sum, { written }) => sum + written, 0);
  } catch (error) {
    throw new Problem(`Cannot import the log: ${messageOf(error)}`, { cause: error });
  } finally {
    await Promise.all([...handles.values()].map((handle) => handle[Symbol.asyncDispose]()));
  }
}
