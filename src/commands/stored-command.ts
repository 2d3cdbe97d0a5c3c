import { type CandidateEvent, isStreamError, type StoredEvent, type Stream } from "../../protocols/index.js";
import { FIRST_COMMAND_READ_EVENTS, MAX_LOAD_ATTEMPTS } from "../limits.js";
import { keyOf } from "./command-key.js";

/** The stored events of a command, in order; never empty. */
export type StoredCommand = readonly [StoredEvent, ...StoredEvent[]];

/**
 * Looks up whether a command is stored, by the key of its first event, which a stream has an index of.
 *
 * @param after - the version after which it may be
 */
export async function findStoredCommand(
  stream: Stream,
  commandId: string,
  after: number,
  signal: AbortSignal | undefined,
): Promise<StoredCommand | null> {
  const filter = [{ field: "id", op: "=", value: keyOf(commandId, 0) }] as const;
  let from = after;
  for (let attempt = 1; ; attempt += 1) {
    try {
      for await (const first of stream.read({ after: from, filter, limit: 1, signal })) {
        return await readStoredCommand(stream, commandId, first, signal);
      }
      return null;
    } catch (error) {
      // It is looked for in what is left.
      if (!isStreamError(error, "EVENTS_REMOVED") || attempt === MAX_LOAD_ATTEMPTS) throw error;
      from = error.firstVersion - 1;
    }
  }
}

/**
 * Reads the events of a command from its first one on: one write stored all of them, one after the other. Most commands have
 * few, so the first read is a small one.
 */
async function readStoredCommand(
  stream: Stream,
  commandId: string,
  first: StoredEvent,
  signal: AbortSignal | undefined,
): Promise<StoredCommand> {
  const events: [StoredEvent, ...StoredEvent[]] = [first];
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

/** A stored event as it was written. */
export function candidateOf({ type, data, metadata, id }: StoredEvent): CandidateEvent {
  const candidate = { type, data, idempotencyKey: id } as CandidateEvent;
  return metadata === null ? candidate : { ...candidate, metadata };
}
