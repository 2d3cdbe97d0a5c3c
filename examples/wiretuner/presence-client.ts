import { once } from "node:events";
import { BehaviorSubject, type Observable } from "rxjs";
import { WebSocket } from "ws";
import { POLICY_VIOLATION, type PresenceMessage, parsePresenceMessage } from "./presence-message.js";
import type { Point } from "./vector-document.js";

/** A user's place among those who have a document open. */
export interface PresenceClient extends AsyncDisposable {
  /** Who else is there, and where their cursors are. It completes when the connection ends. */
  readonly others: Observable<PresenceMessage>;
  /** Tells the others where this user's cursor is. */
  moveTo(cursor: Point): void;
}

export async function joinPresence(
  serverUrl: string,
  { documentId, userId }: { readonly documentId: string; readonly userId: string },
): Promise<PresenceClient> {
  const socket = new WebSocket(`${serverUrl}/${encodeURIComponent(documentId)}`);
  const others = new BehaviorSubject<PresenceMessage>([]);
  socket.on("message", (data) => {
    const message = parsePresenceMessage(data.toString());
    if (message === null) socket.close(POLICY_VIOLATION);
    else others.next(message);
  });
  socket.on("close", () => others.complete());
  await once(socket, "open");
  // "close" follows.
  socket.on("error", () => undefined);
  return {
    others,
    moveTo(cursor) {
      socket.send(JSON.stringify({ userId, cursor }));
    },
    async [Symbol.asyncDispose]() {
      if (socket.readyState === WebSocket.CLOSED) return;
      socket.close();
      await once(socket, "close");
    },
  };
}
