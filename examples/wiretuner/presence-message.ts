import type { Point } from "./vector-document.js";

/** What a user is seen to do in a document. It is sent, and never stored. */
export interface Presence {
  readonly userId: string;
  readonly cursor: Point;
}

/** The largest message. */
export const MAX_MESSAGE_BYTES = 1_024;

/** The server's message: who is there, besides the one that it is sent to. */
export type PresenceMessage = readonly Presence[];

/** What a client sent, or null where it is no presence. */
export function parsePresence(text: string): Presence | null {
  try {
    const { userId, cursor } = JSON.parse(text);
    const isCursor = Array.isArray(cursor) && cursor.length === 2 && cursor.every(Number.isFinite);
    return typeof userId === "string" && isCursor ? { userId, cursor: [cursor[0], cursor[1]] } : null;
  } catch {
    return null;
  }
}
