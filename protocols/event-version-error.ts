import { StreamError } from "./errors.js";

/** The event that a reader could not be given. */
export interface UnreadableEvent {
  /** The stream that contains it. */
  readonly streamId: string;
  /** Its version in the stream, from 1. */
  readonly version: number;
  /** Its position in the store. */
  readonly position: number;
  /** Its type. */
  readonly type: string;
  /** The version of its data, 1 where its metadata names none. */
  readonly schemaVersion: number;
}

/**
 * An event cannot be read in the form that a catalogue of event types knows: its version is newer, its type is unknown, or an
 * upcast failed. Nothing is wrong with the store. The events before it were delivered, and reading can go on from there once
 * the catalogue knows the event.
 */
export class EventVersionError extends StreamError {
  override readonly name = "EventVersionError";
  declare readonly code: "EVENT_VERSION";
  /** The stream that contains the event. */
  readonly streamId: string;
  /** The event's version in its stream. */
  readonly version: number;
  /** The event's position in the store. */
  readonly position: number;
  /** The event's type. */
  readonly type: string;
  /** The version of the event's data. */
  readonly schemaVersion: number;

  /** `typed` makes it. `options.cause` is what an upcast threw. */
  constructor(event: UnreadableEvent, message: string, options?: ErrorOptions) {
    super("EVENT_VERSION", message, options);
    this.streamId = event.streamId;
    this.version = event.version;
    this.position = event.position;
    this.type = event.type;
    this.schemaVersion = event.schemaVersion;
  }
}
