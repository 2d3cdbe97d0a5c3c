import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { type AddressInfo, connect } from "node:net";
import { firstValueFrom, lastValueFrom } from "rxjs";
import { filter } from "rxjs/operators";
import { expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { joinPresence, type PresenceClient } from "../../../examples/wiretuner/presence-client.js";
import type { PresenceMessage } from "../../../examples/wiretuner/presence-message.js";
import { startPresenceServer } from "../../../examples/wiretuner/presence-server.js";
import { createTempDir } from "../../support/temp-dir.js";
import { openDocument } from "./support/documents.js";

/** A server that does something else with who connects. */
async function listen(onConnection: (socket: WebSocket) => void) {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 }).on("connection", onConnection);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return { url: `ws://127.0.0.1:${port}`, [Symbol.asyncDispose]: async () => server.close() };
}

/** Resolves once a user sees this of the others. */
async function sees(client: PresenceClient, expected: PresenceMessage): Promise<void> {
  const isSeen = (message: PresenceMessage) => JSON.stringify(message) === JSON.stringify(expected);
  await firstValueFrom(client.others.pipe(filter(isSeen)));
}

test("users of a document see each other's cursors, and who leaves is gone", async () => {
  await using server = await startPresenceServer();
  await using ada = await joinPresence(server.url, { documentId: "doc/1", userId: "ada" });
  await using other = await joinPresence(server.url, { documentId: "doc/2", userId: "eve" });
  ada.moveTo([1, 2]);
  const bob = await joinPresence(server.url, { documentId: "doc/1", userId: "bob" });
  await sees(bob, [{ userId: "ada", cursor: [1, 2] }]);
  bob.moveTo([3, 4]);
  await sees(ada, [{ userId: "bob", cursor: [3, 4] }]);
  ada.moveTo([5, 6]);
  await sees(bob, [{ userId: "ada", cursor: [5, 6] }]);
  await bob[Symbol.asyncDispose]();
  await bob[Symbol.asyncDispose]();
  await sees(ada, []);
  expect(await firstValueFrom(other.others)).toEqual([]);
});

const LONG_NAME = JSON.stringify({ userId: "x".repeat(65), cursor: [1, 2] });

test.each(["no JSON", "null", LONG_NAME, '{"userId":"eve"}', '{"userId":"eve","cursor":[1,"2"]}', "x".repeat(2_000)])(
  "who sends %j is disconnected, and nobody hears of it",
  async (message) => {
    await using server = await startPresenceServer();
    await using ada = await joinPresence(server.url, { documentId: "doc-1", userId: "ada" });
    const socket = new WebSocket(`${server.url}/doc-1`);
    await new Promise((resolve) => socket.on("open", resolve));
    socket.send(message);
    await new Promise((resolve) => socket.on("close", resolve));
    ada.moveTo([1, 1]);
    expect(await firstValueFrom(ada.others)).toEqual([]);
  },
);

test("who comes when the server is full, and sends what is no frame, ends no server", async () => {
  await using server = await startPresenceServer();
  const join = () => joinPresence(server.url, { documentId: "doc-1", userId: "ada" });
  const [ada, ...others] = await Promise.all(Array.from({ length: 100 }, join));
  const { hostname, port } = new URL(server.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    "GET /doc-1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
      "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
  );
  await once(socket, "data");
  socket.resume().end(Buffer.alloc(16, 0xff));
  await once(socket, "close");
  for (const client of others) await client[Symbol.asyncDispose]();
  await ada?.[Symbol.asyncDispose]();
  await using bob = await join();
  await sees(bob, []);
});

test("a client learns that the server has gone", async () => {
  const server = await startPresenceServer();
  await using ada = await joinPresence(server.url, { documentId: "doc-1", userId: "ada" });
  const ending = lastValueFrom(ada.others);
  await server[Symbol.asyncDispose]();
  expect(await ending).toEqual([]);
});

test.each(["no JSON", "null", '{"userId":"eve","cursor":[1,2]}', '[{"userId":"eve"}]'])(
  "a client whose server sends %j leaves, and sees nobody",
  async (message) => {
    await using server = await listen((socket) => socket.send(message));
    await using ada = await joinPresence(server.url, { documentId: "doc-1", userId: "ada" });
    expect(await lastValueFrom(ada.others)).toEqual([]);
  },
);

test("presence is never stored", async () => {
  await using folder = await createTempDir();
  const filePath = folder.file("a.wiretuner");
  const opened = await openDocument({ filePath });
  await using server = await startPresenceServer();
  await using ada = await joinPresence(server.url, { documentId: opened.documentId, userId: "ada-was-here" });
  await using bob = await joinPresence(server.url, { documentId: opened.documentId, userId: "bob" });
  ada.moveTo([1, 2]);
  await sees(bob, [{ userId: "ada-was-here", cursor: [1, 2] }]);
  const all = await opened.db.openStream("@all");
  expect((await all.metrics()).eventCount).toBe(1);
  await opened.factory.closeAll();
  expect((await readFile(filePath)).includes("ada-was-here")).toBe(false);
});
