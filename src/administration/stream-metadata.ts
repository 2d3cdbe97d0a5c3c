import {
  DELETED_EVENT_TYPE,
  type JsonObject,
  type StorageSession,
  type StoredEvent,
  type StreamMetadataOptions,
} from "../../protocols/index.js";
import { streamDeleted } from "../adapter-kit/stream-deleted.js";
import { MAX_RECORD_BYTES } from "../limits.js";
import { checkOptions, checkPlace, type OptionNames } from "../validate/check-arguments.js";
import { inAttempt } from "../validate/in-call.js";
import { type AdministrationContext, inStep } from "./administration-context.js";
import { checkOneStream, jsonObjectText } from "./check-administration.js";
import { STREAM_METADATA_SPACE } from "./reserved-spaces.js";

const OPTIONS: OptionNames<StreamMetadataOptions> = { expectedRevision: true };

/** Sets or removes the metadata of a stream. */
export async function setStreamMetadata(
  context: AdministrationContext,
  streamId: string,
  metadata: JsonObject | null,
  options: StreamMetadataOptions = {},
): Promise<{ readonly revision: number }> {
  const { storage, calls } = context;
  const attempt = `set the metadata of stream "${streamId}"`;
  context.lifetime.assertOpen(attempt);
  calls.assertOutside("setStreamMetadata", streamId);
  // The value is taken as it is now.
  const value = inAttempt(attempt, storage.location, () => {
    checkOneStream(streamId);
    checkOptions(options, OPTIONS);
    checkPlace("expectedRevision", options.expectedRevision);
    if (metadata === null) return null;
    return JSON.parse(jsonObjectText("metadata", metadata, MAX_RECORD_BYTES)) as JsonObject;
  });
  const { expectedRevision = "any" } = options;
  const set = () =>
    inStep(context, attempt, () =>
      storage.transact(async (session) => {
        if (isTombstone(await lastEvent(session, streamId))) throw streamDeleted(attempt, streamId, storage.location);
        if (value !== null) return session.records.put(STREAM_METADATA_SPACE, streamId, value, expectedRevision);
        await session.records.delete(STREAM_METADATA_SPACE, streamId, expectedRevision);
        return 0;
      }, {}),
    );
  return { revision: await calls.note(set, "setStreamMetadata", streamId) };
}

/** The last event of a stream. */
export async function lastEvent(
  session: Pick<StorageSession, "readPage">,
  streamId: string,
): Promise<StoredEvent | undefined> {
  const { events } = await session.readPage({ streamId, after: 0, limit: 1, direction: "backward" });
  return events[0];
}

/** Whether a stream that ends with this event is deleted. */
export function isTombstone(event: StoredEvent | undefined): boolean {
  return event?.type === DELETED_EVENT_TYPE;
}
