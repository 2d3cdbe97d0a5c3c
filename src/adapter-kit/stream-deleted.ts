import { StreamDeletedError } from "../../protocols/index.js";
import { inStore } from "../validate/in-call.js";

/**
 * Says that a stream takes no more writes and snapshots.
 *
 * @param attempt - such as `save a snapshot of stream "a"`
 */
export function streamDeleted(attempt: string, streamId: string, location: string | undefined): StreamDeletedError {
  const message =
    `Cannot ${attempt}${inStore(location)}: the stream was deleted, and its id is not used again. Nothing was stored. Use ` +
    "another id.";
  return new StreamDeletedError(streamId, message);
}
