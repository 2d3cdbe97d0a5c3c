import type { AppendRequest, AppendResult, PlacedEvent } from "../../protocols/index.js";
import { decideAppend } from "../../src/adapter-kit/decide-append.js";
import type { EventLog } from "./event-log.js";
import { headOf, isDeleted, lastOf } from "./memory-events.js";

/** What an append did. */
export interface Appended {
  readonly result: AppendResult;
  readonly added: readonly PlacedEvent[];
}

/** Decides an append and stores its events. */
export function appendTo(log: EventLog, request: AppendRequest, now: () => number, location: string): Appended {
  const { streamId } = request;
  const { position } = log;
  const version = headOf(log, streamId);
  const findByKey = (key: string) => log.findByKey(streamId, key);
  const state = { version, isDeleted: isDeleted(log, streamId), findByKey };
  const { fresh, last } = decideAppend(request, state, location);
  const timestampMs = now();
  const added = fresh.map((event, index): PlacedEvent => {
    const place = { streamId, version: version + index + 1, position: position + index + 1 };
    return { ...place, event, timestampMs };
  });
  log.add(added);
  request.onPlaced?.(added);
  const place = last === undefined ? lastOf(log, streamId) : "freshIndex" in last ? added[last.freshIndex] : last;
  return {
    result: { version: place?.version ?? 0, position: place?.position ?? 0, written: added.length },
    added,
  };
}
