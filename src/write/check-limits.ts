import type { AppendRequest, NewEvent, StorageLimits } from "../../protocols/index.js";
import { invalidEvent } from "./encode-events.js";

/** A storage handle, or what a transaction knows of it. */
export interface LimitedStorage {
  readonly limits?: StorageLimits | undefined;
  readonly location?: string | undefined;
}

/**
 * Checks a write against what the storage takes, where that is less than what the core takes.
 *
 * @throws InvalidEventError
 */
export function checkLimits({ streamId, events }: AppendRequest, { limits, location }: LimitedStorage): void {
  if (limits === undefined) return;
  const { appendEvents = Number.POSITIVE_INFINITY, appendBytes, eventBytes } = limits;
  if (events.length > appendEvents) {
    const place = { streamId, location, eventIndex: appendEvents };
    throw invalidEvent(
      place,
      "",
      `${events.length} events are more than one write to this store may hold (${appendEvents})`,
    );
  }
  if (appendBytes === undefined && eventBytes === undefined) return;
  let bytes = 0;
  for (const [eventIndex, event] of events.entries()) {
    const place = { streamId, location, eventIndex };
    for (const path of ["data", "metadata"] as const) {
      const size = sizeOf(event[path]);
      bytes += size;
      if (size > (eventBytes ?? size)) {
        throw invalidEvent(place, path, `it takes ${size} bytes, and this store takes ${eventBytes} at most`);
      }
    }
    if (bytes > (appendBytes ?? bytes)) {
      throw invalidEvent(
        place,
        "",
        `the write takes more than the ${appendBytes} bytes that this store takes; split it`,
      );
    }
  }
}

function sizeOf(content: NewEvent["data"] | null): number {
  if (content === null) return 0;
  return typeof content === "string" ? Buffer.byteLength(content) : content.byteLength;
}
