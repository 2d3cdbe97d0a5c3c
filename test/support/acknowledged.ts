import { realpath } from "node:fs/promises";
import {
  type AcknowledgedEvent,
  AcknowledgedPositionFile,
} from "../../adapters/sqlite/maintenance/acknowledged-position-file.js";

/** The events that are recorded as acknowledged beside a database, in the order of the records. */
export async function recordedEvents(database: string): Promise<readonly AcknowledgedEvent[]> {
  return new AcknowledgedPositionFile(await realpath(database)).read();
}

/** The last position that is recorded as acknowledged beside a database, 0 without one. */
export async function acknowledgedPosition(database: string): Promise<number> {
  const events = await recordedEvents(database);
  return Math.max(0, ...events.map(({ position }) => position));
}
