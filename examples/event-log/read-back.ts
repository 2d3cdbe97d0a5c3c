import { ALL_STREAM, type StreamFactory } from "async-streams";
import type { ImportResult } from "./import-events.js";
import { type LogEvent, toRecord } from "./log-record.js";
import { Problem } from "./problem.js";
import { fingerprintOf, Tally } from "./tally.js";

const STREAMS_AT_ONCE = 8;

/** The result of reading `@all`. */
export interface AllStreamFindings {
  readonly eventCount: number;
  readonly countByType: ReadonlyMap<string, number>;
  /** Whether `@all` has the events in the order of the log, across all streams. */
  readonly isInLogOrder: boolean;
}

/**
 * Reads the whole store as one stream, and compares every event with its line of the log. What the store holds beside
 * the log is passed over.
 *
 * @throws Problem when an event is missing, differs or is out of order
 */
export async function verifyAllStream(
  streams: StreamFactory,
  log: ImportResult,
  onProgress: (eventCount: number) => void,
  signal: AbortSignal,
): Promise<AllStreamFindings> {
  const total = new Tally();
  const tallies = new Map<string, Tally>();
  const countByType = new Map<string, number>();
  await using all = await streams.openStream<LogEvent>(ALL_STREAM);
  for await (const event of all.read({ signal })) {
    const lineCount = log.streams.get(event.streamId)?.count ?? 0;
    if (event.version > lineCount) continue;
    const fingerprint = fingerprintOf(toRecord(event));
    const tally = tallies.get(event.streamId) ?? new Tally();
    tallies.set(event.streamId, tally);
    tally.add(fingerprint);
    total.add(fingerprint);
    countByType.set(event.type, (countByType.get(event.type) ?? 0) + 1);
    onProgress(total.count);
  }
  for (const [streamId, expected] of log.streams) compare(expected, tallies.get(streamId), streamId, ALL_STREAM);
  return { eventCount: total.count, countByType, isInLogOrder: total.equals(log.total) };
}

/**
 * Reads every stream by itself, a few at a time, and compares it with its lines of the log.
 *
 * @throws Problem when an event is missing, differs or is out of order
 */
export async function verifyEachStream(
  streams: StreamFactory,
  log: ImportResult,
  onProgress: (streamCount: number) => void,
  signal: AbortSignal,
): Promise<void> {
  // One iterator for all readers: each takes the next stream when it is done with its own.
  const remaining = log.streams.entries();
  let streamCount = 0;
  const readNext = async (): Promise<void> => {
    for (const [streamId, expected] of remaining) {
      compare(expected, await readStream(streams, streamId, expected.count, signal), streamId, "the stream");
      streamCount += 1;
      onProgress(streamCount);
    }
  };
  await Promise.all(Array.from({ length: STREAMS_AT_ONCE }, readNext));
}

async function readStream(streams: StreamFactory, streamId: string, upTo: number, signal: AbortSignal): Promise<Tally> {
  const tally = new Tally();
  await using stream = await streams.openStream<LogEvent>(streamId);
  for await (const event of stream.read({ upTo, signal })) {
    if (event.version !== tally.count + 1) {
      throw new Problem(`Mismatch in stream "${streamId}": version ${event.version} follows ${tally.count}`);
    }
    tally.add(fingerprintOf(toRecord(event)));
  }
  return tally;
}

function compare(expected: Tally, actual: Tally | undefined, streamId: string, source: string): void {
  if (expected.equals(actual)) return;
  const found = actual?.count ?? 0;
  const reason =
    found === expected.count
      ? "they differ from the log, or are in another order"
      : `the log has ${expected.count}, so something is missing`;
  throw new Problem(`Mismatch in stream "${streamId}": ${found} events read from ${source}; ${reason}`);
}
