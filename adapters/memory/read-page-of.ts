import { ALL_STREAM, type EventPage, type ReadQuery } from "../../protocols/index.js";
import { decodeEvent } from "../../src/adapter-kit/decode-event.js";
import type { EventLog } from "./event-log.js";
import { headOf, placeIn } from "./memory-events.js";

export function readPageOf(log: EventLog, { streamId, after, upTo, limit, direction }: ReadQuery): EventPage {
  const head = headOf(log, streamId);
  const first = streamId === ALL_STREAM ? undefined : log.first(streamId);
  const isForward = direction === "forward";
  const low = log.countUpTo(streamId, after);
  const high = log.countUpTo(streamId, upTo ?? head);
  const from = isForward ? low : Math.max(low, high - limit);
  const to = isForward ? Math.min(high, low + limit) : high;
  // Between places that cross there is nothing.
  const placed = log.slice(streamId, from, Math.max(from, to));
  const events = placed.map((each) => decodeEvent(each.event, each));
  const isCut = isForward ? to < high : from > low;
  const edge = isForward ? placed.at(-1) : placed[0];
  const next = isCut && edge !== undefined ? placeIn(streamId, edge) - (isForward ? 0 : 1) : null;
  return { events: isForward ? events : events.reverse(), next, head, first };
}
