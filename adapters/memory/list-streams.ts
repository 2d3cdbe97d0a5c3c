import type { JsonObject, ListStreamsQuery, StreamRow } from "../../protocols/index.js";
import { compareCodePoints } from "../../src/adapter-kit/code-point-order.js";
import { STREAM_METADATA_SPACE } from "../../src/administration/reserved-spaces.js";
import { indexOfFirst } from "./index-of-first.js";
import { isDeleted, lastOf } from "./memory-events.js";
import type { MemoryState } from "./memory-session.js";

/** The streams with events or metadata, by id. */
export function listStreams(state: MemoryState, { prefix, after, limit }: ListStreamsQuery): readonly StreamRow[] {
  const { events, records } = state;
  const fits = (id: string): boolean => id.startsWith(prefix) && compareCodePoints(id, after) > 0;
  // In code-point order those with a prefix are neighbours.
  const start = indexOfFirst(
    events.streamIds,
    (id) => compareCodePoints(id, prefix) >= 0 && compareCodePoints(id, after) > 0,
  );
  const withEvents = events.streamIds.slice(start, start + limit).filter(fits);
  const withMetadata = [...records.keysOf(STREAM_METADATA_SPACE)].filter(fits);
  const ids = [...new Set([...withEvents, ...withMetadata])].sort(compareCodePoints);
  return ids.slice(0, limit).map((streamId) => rowOf(state, streamId));
}

function rowOf({ events, records }: MemoryState, streamId: string): StreamRow {
  const last = lastOf(events, streamId);
  const metadata = records.find(STREAM_METADATA_SPACE, streamId);
  return {
    streamId,
    version: last?.version ?? 0,
    firstVersion: events.first(streamId),
    eventCount: events.count(streamId),
    lastPosition: last?.position ?? 0,
    lastTimestampMs: last?.timestampMs ?? null,
    isDeleted: isDeleted(events, streamId),
    metadata: metadata === null ? null : (JSON.parse(metadata.text) as JsonObject),
    metadataRevision: metadata?.revision ?? 0,
  };
}
