import type { ListStreamsOptions, StreamInfo, StreamRow } from "../../protocols/index.js";
import { LISTED_STREAMS, PAGE_GROWTH_FACTOR } from "../limits.js";
import {
  checkFlag,
  checkOptions,
  checkPlace,
  checkSignal,
  idText,
  type OptionNames,
  streamText,
} from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { untilAborted } from "../watch/abort-listeners.js";
import type { AdministrationContext } from "./administration-context.js";
import { checkIdText, checkOneStream } from "./check-administration.js";

const OPTIONS: OptionNames<ListStreamsOptions> = {
  prefix: true,
  after: true,
  limit: true,
  deleted: true,
  signal: true,
};

const ATTEMPT = "list the streams";

/** Lists streams page by page. As with a read, the iteration throws, and not the call. */
export function listStreams(
  context: AdministrationContext,
  options: ListStreamsOptions = {},
): AsyncIterable<StreamInfo> {
  return { [Symbol.asyncIterator]: () => eachStream(context, options) };
}

async function* eachStream(
  { lifetime, calls, storage }: AdministrationContext,
  options: ListStreamsOptions,
): AsyncGenerator<StreamInfo, void> {
  lifetime.assertOpen(ATTEMPT);
  calls.assertOutside("listStreams");
  const plan = inAttempt(ATTEMPT, storage.location, () => parse(options));
  const { prefix, deleted, signal } = plan;
  let { after, left } = plan;
  // Who wants few gets a short page. Pages grow, since those of deleted streams have nothing to yield.
  let limit = Math.min(left, LISTED_STREAMS);
  while (left > 0) {
    signal?.throwIfAborted();
    const query = { prefix, after, limit };
    const rows = await calls.note(() => untilAborted(storage.listStreams(query), signal), "listStreams");
    for (const row of rows) {
      if (row.isDeleted && !deleted) continue;
      signal?.throwIfAborted();
      lifetime.assertOpen(ATTEMPT);
      yield infoOf(row);
      left -= 1;
      if (left === 0) return;
    }
    if (rows.length < limit) return;
    after = (rows.at(-1) as StreamRow).streamId;
    limit = Math.min(limit * PAGE_GROWTH_FACTOR, LISTED_STREAMS);
  }
}

function parse(options: ListStreamsOptions) {
  checkOptions(options, OPTIONS);
  const { prefix = "", after = "", limit = Number.POSITIVE_INFINITY, deleted = false, signal } = options;
  checkIdText("prefix", prefix);
  checkIdText("after", after);
  checkFlag("deleted", deleted);
  checkSignal(signal);
  if (limit !== Number.POSITIVE_INFINITY) checkPlace("limit", limit);
  return { prefix, after, left: limit, deleted, signal };
}

/** Describes a stream; null where it has neither events nor metadata. */
export async function describeStream(context: AdministrationContext, streamId: string): Promise<StreamInfo | null> {
  const { storage, lifetime, calls } = context;
  const attempt = `describe ${streamText(streamId)}`;
  lifetime.assertOpen(attempt);
  calls.assertOutside("describeStream", idText(streamId));
  inAttempt("describe a stream", storage.location, () => checkOneStream(streamId));
  const row = await calls.note(() => findStream(context, streamId), "describeStream", streamId);
  return row === null ? null : infoOf(row);
}

/** The stream of this id: of those that begin so, it is the first. */
export async function findStream({ storage }: AdministrationContext, streamId: string): Promise<StreamRow | null> {
  const [row] = await storage.listStreams({ prefix: streamId, after: "", limit: 1 });
  return row?.streamId === streamId ? row : null;
}

function infoOf({ lastTimestampMs, isDeleted, ...row }: StreamRow): StreamInfo {
  return {
    streamId: row.streamId,
    version: row.version,
    firstVersion: row.firstVersion,
    eventCount: row.eventCount,
    lastPosition: row.lastPosition,
    lastTimestamp: lastTimestampMs === null ? null : new Date(lastTimestampMs),
    deleted: isDeleted,
    metadata: row.metadata,
    metadataRevision: row.metadataRevision,
  };
}
