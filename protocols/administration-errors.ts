import { StreamError } from "./errors.js";

/** A read, or a watch, of a stream begins before the first event that the stream still has: earlier ones were removed. */
export class EventsRemovedError extends StreamError {
  override readonly name = "EventsRemovedError";
  declare readonly code: "EVENTS_REMOVED";
  /** The stream that was read. */
  readonly streamId: string;
  /** The first version that is still there. Begin after `firstVersion - 1`. */
  readonly firstVersion: number;

  /**
   * The core makes it.
   *
   * @param removed - the stream, and the first version that it still has
   */
  constructor(removed: { streamId: string; firstVersion: number }, message: string, options?: ErrorOptions) {
    super("EVENTS_REMOVED", message, options);
    this.streamId = removed.streamId;
    this.firstVersion = removed.firstVersion;
  }
}

/** Somebody has yet to read events that a call would remove. Nothing was removed. */
export class EventsNeededError extends StreamError {
  override readonly name = "EventsNeededError";
  declare readonly code: "EVENTS_NEEDED";
  /** Who has yet to read them, such as `consumer mail`, `projection orders@2` or `snapshot account@3`. */
  readonly neededBy: readonly string[];

  /**
   * The core makes it.
   *
   * @param neededBy - who has yet to read the events
   */
  constructor(neededBy: readonly string[], message: string, options?: ErrorOptions) {
    super("EVENTS_NEEDED", message, options);
    this.neededBy = neededBy;
  }
}

/** A write to a deleted stream, or a snapshot of one. Nothing was stored. A stream id is never used again. */
export class StreamDeletedError extends StreamError {
  override readonly name = "StreamDeletedError";
  declare readonly code: "STREAM_DELETED";
  /** The deleted stream. */
  readonly streamId: string;

  /** Adapters throw it from `append` and `saveSnapshot`. `decideAppend` of `async-streams/adapter` makes one. */
  constructor(streamId: string, message: string, options?: ErrorOptions) {
    super("STREAM_DELETED", message, options);
    this.streamId = streamId;
  }
}
