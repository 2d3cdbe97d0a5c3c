import type { StorageSession } from "../../protocols/index.js";
import { dropPlacesBefore } from "../consumers/drop-places.js";

/**
 * Drops what consumers have parked of events that were removed: those before the first version that is left.
 *
 * @returns the consumers that had some
 */
export async function dropRemovedPlaces(
  session: Pick<StorageSession, "readPage" | "records">,
  streamId: string,
  firstVersion: number,
): Promise<ReadonlySet<string>> {
  const { events } = await session.readPage({ streamId, after: firstVersion - 1, limit: 1, direction: "forward" });
  const [first] = events;
  return first === undefined ? new Set() : dropPlacesBefore(session.records, streamId, first.position);
}
