import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { MAX_MESSAGE_BYTES, POLICY_VIOLATION, type Presence, parsePresence } from "./presence-message.js";

/** The most connections. Others are closed at once. */
const MAX_CLIENTS = 100;

/** A client that reads nothing is closed when so much waits for it. */
const MAX_WAITING_BYTES = 64 * 1_024;

const TRY_AGAIN_LATER = 1_013;

/** Tells the users of a document of each other. What it knows of a user ends with the user's connection. */
export interface PresenceServer extends AsyncDisposable {
  readonly url: string;
}

/** @param options - `port` 0 takes a free one */
export async function startPresenceServer({ port = 0 } = {}): Promise<PresenceServer> {
  const server = new WebSocketServer({ host: "127.0.0.1", port, maxPayload: MAX_MESSAGE_BYTES });
  await once(server, "listening");
  const rooms = new Map<string, Map<WebSocket, Presence | null>>();
  server.on("connection", (socket, { url = "/" }) => {
    // "close" follows. One that is closed at once may send something wrong before it is.
    socket.on("error", () => undefined);
    if (server.clients.size > MAX_CLIENTS) return socket.close(TRY_AGAIN_LATER);
    join(rooms, url, socket);
  });
  const { port: boundPort } = server.address() as AddressInfo;
  return {
    url: `ws://127.0.0.1:${boundPort}`,
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate();
      server.close();
      await once(server, "close");
    },
  };
}

/** A room is a document: the path of the connection's URL. */
function join(rooms: Map<string, Map<WebSocket, Presence | null>>, name: string, socket: WebSocket): void {
  const room = rooms.get(name) ?? new Map<WebSocket, Presence | null>();
  rooms.set(name, room);
  room.set(socket, null);
  tell(room);
  socket.on("message", (data) => {
    const presence = parsePresence(data.toString());
    if (presence === null) return socket.close(POLICY_VIOLATION);
    room.set(socket, presence);
    tell(room);
  });
  socket.on("close", () => {
    room.delete(socket);
    if (room.size === 0) rooms.delete(name);
    tell(room);
  });
}

function tell(room: ReadonlyMap<WebSocket, Presence | null>): void {
  for (const [socket] of room) {
    const others = [...room].filter(([other, presence]) => other !== socket && presence !== null);
    if (socket.bufferedAmount > MAX_WAITING_BYTES) socket.terminate();
    else socket.send(JSON.stringify(others.map(([, presence]) => presence)));
  }
}
