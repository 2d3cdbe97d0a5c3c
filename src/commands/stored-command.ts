import {
  type CandidateEvent,
  isStreamError,
  type StoredEvent,
  type Stream,
  type StreamFactory,
} from "../../protocols/index.js";
import { FIRST_COMMAND_READ_EVENTS, MAX_LOAD_ATTEMPTS } from "../limits.js";
import { findStreamContext } from "../stream/context-access.js";
import { storedStream } from "../stream/stored-stream.js";
import { typedStream } from "../stream/typed-stream.js";
import type { EventHooks } from "../view/event-hooks.js";
import { keyOf } from "./command-key.js";

/** A command that is stored. */
export interface StoredCommand {
  /** Its events, in order, as far as the reader gets them. */
  readonly events: readonly StoredEvent[];
  /** The place of its last event, whoever gets it. */
  readonly version: number;
  readonly position: number;
}

/** Where a command is looked for. */
export interface CommandSearch {
  readonly streams: StreamFactory;
  readonly stream: Stream;
  readonly commandId: string;
  /** The version after which it may be. */
  readonly after: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Looks up whether a command is stored, by the key of its first event, which a stream has an index of. It is looked for in what is
 * stored: a catalogue may leave out some of its events, or all.
 */
export async function findStoredCommand(search: CommandSearch): Promise<StoredCommand | null> {
  const { streams } = search;
  const context = findStreamContext(streams);
  const isWrapped = context?.hooks !== undefined;
  const found = isWrapped ? { ...search, stream: typedStream(storedStream(context, search.stream.streamId)) } : search;
  let { after } = search;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const events = await findStoredEvents({ ...found, after });
      const last = events.at(-1);
      if (last === undefined) return null;
      const { version, position } = last;
      return { events: await openEvents(context?.hooks, events), version, position };
    } catch (error) {
      // It is looked for in what is left.
      if (!isStreamError(error, "EVENTS_REMOVED") || attempt === MAX_LOAD_ATTEMPTS) throw error;
      after = error.firstVersion - 1;
    }
  }
}

/** The events of a command as they are stored; none: it is not stored. */
async function findStoredEvents(search: CommandSearch): Promise<readonly StoredEvent[]> {
  const { stream, commandId, after, signal } = search;
  const filter = [{ field: "id", op: "=", value: keyOf(commandId, 0) }] as const;
  for await (const first of stream.read({ after, filter, limit: 1, signal })) return readFrom(first, search);
  return [];
}

/**
 * Reads the events of a command from its first one on: one write stored all of them, one after the other. Most commands have
 * few, so the first read is a small one.
 */
async function readFrom(
  first: StoredEvent,
  { stream, commandId, signal }: CommandSearch,
): Promise<readonly StoredEvent[]> {
  const events = [first];
  let after = first.version;
  for (const limit of [FIRST_COMMAND_READ_EVENTS, undefined]) {
    for await (const event of stream.read({ after, limit, signal })) {
      if (event.id !== keyOf(commandId, events.length)) return events;
      events.push(event);
      after = event.version;
    }
    if (events.length <= FIRST_COMMAND_READ_EVENTS) return events;
  }
  return events;
}

/** The same as the reader gets them. */
async function openEvents(
  hooks: EventHooks | undefined,
  events: readonly StoredEvent[],
): Promise<readonly StoredEvent[]> {
  const read = await hooks?.afterRead?.(events);
  if (read?.failure !== undefined) throw read.failure.error;
  return read?.events ?? events;
}

/** A stored event as it was written. */
export function candidateOf({ type, data, metadata, id }: StoredEvent): CandidateEvent {
  const candidate = { type, data, idempotencyKey: id } as CandidateEvent;
  return metadata === null ? candidate : { ...candidate, metadata };
}
