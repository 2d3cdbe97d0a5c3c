import {
  ALL_STREAM,
  type AppendRequest,
  type CandidateEvent,
  type ExpectedVersion,
  ReadOnlyStreamError,
} from "../../protocols/index.js";
import { checkExpectedVersion } from "../validate/check-arguments.js";
import { inStore } from "../validate/in-call.js";
import { isList } from "../validate/is-list.js";
import { checkLimits, type LimitedStorage } from "./check-limits.js";
import { type EncodeOptions, encodeEvents } from "./encode-events.js";

/** What else there is to a write. */
export interface AppendRequestOptions extends EncodeOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onPlaced?: AppendRequest["onPlaced"];
}

/**
 * Checks a write to a stream, and encodes its events as they are at this moment: the caller's objects are not retained.
 *
 * @throws ReadOnlyStreamError, InvalidArgumentError, InvalidEventError
 */
export function appendRequest(
  streamId: string,
  events: CandidateEvent | readonly CandidateEvent[],
  expectedVersion: ExpectedVersion,
  storage: LimitedStorage,
  options: AppendRequestOptions = {},
): AppendRequest {
  if (streamId === ALL_STREAM) {
    const message =
      `Cannot write to "${ALL_STREAM}"${inStore(storage.location)}: it is the read-only stream of every event. Write to a stream ` +
      "by its id.";
    throw new ReadOnlyStreamError(streamId, message);
  }
  checkExpectedVersion(expectedVersion);
  const candidates = isList(events) ? events : [events as CandidateEvent];
  const encoded = encodeEvents(streamId, candidates, storage.location, options);
  const request = { streamId, events: encoded, expectedVersion, signal: options.signal, onPlaced: options.onPlaced };
  checkLimits(request, storage);
  return request;
}
