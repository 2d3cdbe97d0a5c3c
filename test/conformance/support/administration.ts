import type {
  AdministrableStreamFactory,
  ListStreamsOptions,
  RemovalReport,
  RetentionOptions,
  RetentionRule,
  StreamFactory,
} from "../../../protocols/index.js";
import { applyRetention } from "../../../src/administration/apply-retention.js";
import { countedUpTo } from "./sample-events.js";

/** Writes so many events to a stream. */
export async function fillStream(streams: StreamFactory, streamId: string, count: number): Promise<void> {
  await (await streams.openStream(streamId)).write(countedUpTo(count));
}

/** The ids that a listing has. */
export async function listedIds(streams: AdministrableStreamFactory, options?: ListStreamsOptions): Promise<string[]> {
  const ids: string[] = [];
  for await (const { streamId } of streams.listStreams(options)) ids.push(streamId);
  return ids;
}

/** Applies rules of retention to the end. */
export async function retain(
  streams: AdministrableStreamFactory,
  rules: readonly RetentionRule[],
  options?: RetentionOptions,
): Promise<RemovalReport[]> {
  const reports: RemovalReport[] = [];
  for await (const report of applyRetention(streams, rules, options)) reports.push(report);
  return reports;
}
