import { isStreamError, type StoredEvent } from "../../../protocols/index.js";

/** What of an event has to be the same in every store: all but the clock, and the ids that the store made. */
export function comparable({ id, timestamp, ...event }: StoredEvent): unknown {
  return { ...event, hasTime: timestamp.getTime() > 0, id: UUID.test(id) ? "a UUID" : id };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * How a promise settles, so that two stores can be compared: its value, or the code of its error.
 *
 * @param reason - that of a signal, which is the only other error that has an excuse
 */
export async function outcomeOf(promise: Promise<unknown>, reason?: unknown): Promise<unknown> {
  try {
    return { value: await promise };
  } catch (error) {
    if (isStreamError(error)) return { code: error.code };
    return error === reason && reason !== undefined ? { aborted: true } : { unexpected: error };
  }
}
