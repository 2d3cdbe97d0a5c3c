import { ALL_STREAM, StorageError } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";
import type { PageStorage } from "./page-reader.js";

/** A place that a stream does not have: it lies beyond the end. */
export interface PlaceBeyondEnd {
  readonly storage: PageStorage;
  readonly streamId: string;
  readonly place: number;
  /** The stream's last version, and on `@all` the last position. */
  readonly head: number;
  /** Whether the caller gave the place, and it may be a mistake. */
  readonly isGiven: boolean;
}

/** Says why a read or a watch cannot begin behind its place, or go on there. */
export async function wentBackError(attempt: "read" | "watch", beyond: PlaceBeyondEnd): Promise<StorageError> {
  return new StorageError("STORAGE_WENT_BACK", await describe(`Cannot ${attempt}`, beyond));
}

/** A place that the store may never have had is no failure: nothing is there to be read. But somebody should know. */
export async function warnOfBeyondEnd(beyond: PlaceBeyondEnd): Promise<void> {
  const message = await describe("There is nothing to read in", beyond);
  process.emitWarning(message, { type: "StreamWarning", code: "READ_BEYOND_END" });
}

async function describe(what: string, beyond: PlaceBeyondEnd): Promise<string> {
  const { storage, streamId, place, head, isGiven } = beyond;
  const kind = streamId === ALL_STREAM ? "position" : "version";
  const found = `${what} stream "${streamId}"${inStore(storage.location)} after ${kind} ${place}: the last ${kind} is ${head}.`;
  const wentBack =
    "the store went back: an older copy was put in its place, or its log was cut. Find out what was lost, and continue " +
    "from a place that is there.";
  if (await mayBePosition(beyond)) {
    return `${found} Was a position given? Places in a stream are versions. Otherwise ${wentBack}`;
  }
  return `${found} ${isGiven ? "Either the place was never in this store, or" : "That means that"} ${wentBack}`;
}

/** The numbers of versions and positions look alike, and `WriteResult` has both. */
async function mayBePosition({ storage, streamId, place, isGiven }: PlaceBeyondEnd): Promise<boolean> {
  if (!isGiven || streamId === ALL_STREAM) return false;
  try {
    return place <= (await storage.getVersion(ALL_STREAM));
  } catch {
    return false; // The message does without.
  }
}
