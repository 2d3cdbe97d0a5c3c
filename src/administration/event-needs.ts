import { EventsNeededError, type Records } from "../../protocols/index.js";
import { MAX_LISTED_RECORDS } from "../limits.js";
import { inStore } from "../validate/in-call.js";
import type { AdministrationContext } from "./administration-context.js";
import { CONSUMERS_SPACE, PROJECTIONS_SPACE } from "./reserved-spaces.js";

/** Where the records of those who read the whole store are, and what they are called. */
const READERS = [
  [CONSUMERS_SPACE, "consumer"],
  [PROJECTIONS_SPACE, "projection"],
] as const;

/** A consumer or a projection, and the position up to which it has read the store. */
export interface ReaderPosition {
  /** Such as `consumer mail`. */
  readonly name: string;
  readonly position: number;
}

/** The registered readers whose record has a position. */
export async function readerPositions(records: Records): Promise<readonly ReaderPosition[]> {
  const readers: ReaderPosition[] = [];
  for (const [space, kind] of READERS) {
    for (let after = ""; ; ) {
      const page = await records.list(space, { after, limit: MAX_LISTED_RECORDS });
      for (const { key, value } of page) {
        if (typeof value.position === "number") readers.push({ name: `${kind} ${key}`, position: value.position });
      }
      const last = page.at(-1);
      if (last === undefined || page.length < MAX_LISTED_RECORDS) break;
      after = last.key;
    }
  }
  return readers;
}

/**
 * Checks that every registered reader has read up to a position.
 *
 * @throws EventsNeededError
 */
export async function assertRead(
  records: Records,
  upTo: number,
  attempt: string,
  location: string | undefined,
): Promise<void> {
  const behind = (await readerPositions(records)).filter(({ position }) => position < upTo);
  if (behind.length > 0) throw eventsNeeded(attempt, namesOf(behind), location);
}

function namesOf(readers: readonly ReaderPosition[]): string[] {
  return [...new Set(readers.map(({ name }) => name))];
}

/** Says that somebody has yet to read events. */
export function eventsNeeded(
  attempt: string,
  neededBy: readonly string[],
  location: string | undefined,
): EventsNeededError {
  const message =
    `Cannot ${attempt}${inStore(location)}: events that would be removed are needed by ${neededBy.join(", ")}. Nothing ` +
    "more was removed. Wait until they have been read, drop who does not run any more, or remove them with force: true.";
  return new EventsNeededError(neededBy, message);
}

/** The position of a stream's event; undefined where it is not there any more. */
export async function positionOf(
  { storage }: AdministrationContext,
  streamId: string,
  version: number,
): Promise<number | undefined> {
  const query = { streamId, after: version - 1, upTo: version, limit: 1, direction: "forward" } as const;
  return (await storage.readPage(query)).events[0]?.position;
}
