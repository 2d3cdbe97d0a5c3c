import { type JsonObject, RecordConflictError, type StreamMetadataOptions } from "../../protocols/index.js";
import { streamDeleted } from "../adapter-kit/stream-deleted.js";
import { MAX_RECORD_BYTES } from "../limits.js";
import { isTombstone, lastEvent } from "../read/last-event.js";
import { checkOptions, checkPlace, idText, type OptionNames, streamText } from "../validate/check-arguments.js";
import { inAttempt, inStore } from "../validate/in-call.js";
import { type AdministrationContext, transactInStep } from "./administration-context.js";
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
  const attempt = `set the metadata of ${streamText(streamId)}`;
  context.lifetime.assertOpen(attempt);
  calls.assertOutside("setStreamMetadata", idText(streamId));
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
    transactInStep(context, attempt, async (session) => {
      if (isTombstone(await lastEvent(session, streamId))) throw streamDeleted(attempt, streamId, storage.location);
      if (value !== null) return session.records.put(STREAM_METADATA_SPACE, streamId, value, expectedRevision);
      await session.records.delete(STREAM_METADATA_SPACE, streamId, expectedRevision);
      return 0;
    }).catch((error: unknown) => {
      throw metadataConflict(error, attempt, expectedRevision, storage.location);
    });
  return { revision: await calls.note(set, "setStreamMetadata", streamId) };
}

/** Says of a conflict what was changed: the record in which the metadata is has a name that no caller knows. */
function metadataConflict(
  error: unknown,
  attempt: string,
  expected: number | "any",
  location: string | undefined,
): unknown {
  if (!(error instanceof RecordConflictError)) return error;
  const { space, key, revision } = error;
  const found = revision === 0 ? "it has none" : `it has revision ${revision}`;
  const message =
    `Cannot ${attempt}${inStore(location)}: expected revision ${expected} of it, and ${found}: somebody else changed it. ` +
    "Nothing was changed; read it with describeStream, and decide again.";
  return new RecordConflictError({ space, key, revision }, message);
}
