import type { Point } from "./vector-document.js";

/** What a user is seen to do in a document. It is sent, and never stored. */
export interface Presence {
  readonly userId: string;
  readonly cursor: Point;
}

/** The largest message. */
export const MAX_MESSAGE_BYTES = 1_024;

/** Why a side closes that was sent something else. */
export const POLICY_VIOLATION = 1_008;

/** The server's message: who is there, besides the one that it is sent to. */
export type PresenceMessage = readonly Presence[];

/** With it the message to each of a full room stays short enough to be sent to all of them. */
const MAX_USER_ID_LENGTH = 64;

/** What a client sent, or null where it is no presence. */
export function parsePresence(text: string): Presence | null {
  const presence = parse(text);
  return isPresence(presence) ? { userId: presence.userId, cursor: presence.cursor } : null;
}

/** What a server sent, or null where it is no message of it. */
export function parsePresenceMessage(text: string): PresenceMessage | null {
  const message = parse(text);
  return Array.isArray(message) && message.every(isPresence) ? message : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isPresence(value: unknown): value is Presence {
  if (typeof value !== "object" || value === null) return false;
  const { userId, cursor } = value as Partial<Presence>;
  const isCursor = Array.isArray(cursor) && cursor.length === 2 && cursor.every(Number.isFinite);
  return typeof userId === "string" && userId.length <= MAX_USER_ID_LENGTH && isCursor;
}
