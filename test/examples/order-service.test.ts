import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test, vi } from "vitest";
import type { NodeProcess } from "../support/node-process.js";
import { createTempDir } from "../support/temp-dir.js";
import { EXAMPLE_TIMEOUT_MS, startExample } from "./support/run-example.js";

vi.setConfig({ testTimeout: EXAMPLE_TIMEOUT_MS });

async function start(file: string): Promise<NodeProcess> {
  const service = startExample("order-service/order-service.ts", { env: { PORT: "0", ORDERS_FILE: file } });
  await service.ready();
  return service;
}

const urlOf = (service: NodeProcess): string => service.lines[0] ?? "";

interface Reply {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

async function send(service: NodeProcess, path: string, init: RequestInit = {}): Promise<Reply> {
  const response = await fetch(urlOf(service) + path, init);
  return { status: response.status, body: (await response.json()) as Reply["body"] };
}

const command = (service: NodeProcess, path: string, key: string, body: object) =>
  send(service, path, { method: "POST", headers: { "idempotency-key": key }, body: JSON.stringify(body) });

// Side by side, because some wait for the service's own time-out.
test.concurrent("order-service takes commands that are sent again, refuses conflicts, lists, and goes on after a stop", async () => {
  await using folder = await createTempDir();
  const placing = { customer: "ada", cents: 1_200 };
  let first: Reply;
  {
    await using service = await start(folder.file("orders.db"));
    first = await command(service, "/orders/1/place", "a", placing);
    expect(first).toEqual({ status: 201, body: { status: "placed", cents: 1_200 } });
    expect(await command(service, "/orders/1/place", "a", placing)).toEqual({ ...first, status: 200 });
    expect(await command(service, "/orders/1/place", "b", placing)).toMatchObject({ status: 409 });
    // The key belongs to the first request.
    const free = { ...placing, customer: "bob" };
    expect(await command(service, "/orders/1/place", "a", free)).toMatchObject({ status: 422 });
    expect(await command(service, "/orders/1/pay", "a", { cents: 1_200 })).toMatchObject({ status: 422 });

    const payments = ["c", "d", "e"].map((key) => command(service, "/orders/1/pay", key, { cents: 1_200 }));
    expect((await Promise.all(payments)).map(({ status }) => status).sort()).toEqual([201, 409, 409]);
    expect(await send(service, "/orders")).toEqual({
      status: 200,
      body: [{ id: "order-1", customer: "ada", cents: 1_200, status: "paid" }],
    });
    service.signal("SIGINT");
    expect(await service.ended).toMatchObject({ exitCode: 0, stderr: "" });
  }
  await using service = await start(folder.file("orders.db"));
  expect(await send(service, "/orders")).toMatchObject({ status: 200, body: [{ status: "paid" }] });
  expect(await command(service, "/orders/1/place", "a", placing)).toEqual({ ...first, status: 200 });
});

test.concurrent("order-service refuses what it does not take, and stores nothing", async () => {
  await using folder = await createTempDir();
  await using service = await start(folder.file("orders.db"));
  const placing = { method: "POST", body: '{"customer":"ada","cents":1}', headers: { "idempotency-key": "b" } };
  const refused: readonly (readonly [string, RequestInit, number])[] = [
    ["/orders/1/place", { method: "POST", body: "{}" }, 400],
    ["/orders/1/place", { method: "POST", body: "no JSON", headers: { "idempotency-key": "a" } }, 400],
    [
      "/orders/1/place",
      { method: "POST", body: '{"customer":"ada","cents":-1}', headers: { "idempotency-key": "a" } },
      400,
    ],
    // Half of a surrogate pair, which the table could not store.
    [
      "/orders/1/place",
      { method: "POST", body: '{"customer":"\\ud800","cents":1}', headers: { "idempotency-key": "a" } },
      400,
    ],
    // Nested so deeply that it could not be made a text again.
    ["/orders/1/place", { ...placing, body: `{"customer":${"[".repeat(20_000)}${"]".repeat(20_000)}}` }, 400],
    ["/orders/1/place", { ...placing, method: "DELETE" }, 404],
    ["/orders/1/place/again", placing, 404],
    ["/orders//place", placing, 404],
    ["/orders/1/constructor", { method: "POST", body: "{}", headers: { "idempotency-key": "a" } }, 404],
    ["/orders/1/pay", { method: "POST", body: '{"cents":1}', headers: { "idempotency-key": "a" } }, 409],
    ["/orders/1/place", { ...placing, headers: { "idempotency-key": "k".repeat(2_000) } }, 400],
    ["/orders/1/place", { ...placing, body: `{"customer":"${"a".repeat(65_536)}","cents":1}` }, 400],
    ["/orders/1", {}, 404],
    ["/events", { headers: { "last-event-id": "x" } }, 400],
    ["/nothing", {}, 404],
  ];
  for (const [path, init, status] of refused) {
    expect({ path, status: (await send(service, path, init)).status }).toEqual({ path, status });
  }
  expect(await send(service, "/orders")).toMatchObject({ status: 200, body: [] });
});

test.concurrent("order-service goes on after a request whose path is not one of a URL", async () => {
  await using folder = await createTempDir();
  await using service = await start(folder.file("orders.db"));
  const { hostname, port } = new URL(urlOf(service));
  const socket = connect(Number(port), hostname);
  socket.write(`GET // HTTP/1.1\r\nHost: ${hostname}\r\nConnection: close\r\n\r\n`);
  const [answer] = (await once(socket, "data")) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 404 /);
  expect(await send(service, "/orders")).toMatchObject({ status: 200, body: [] });
});

test.concurrent("order-service sends events from where a client lost its connection, and ends the streams when it stops", async () => {
  await using folder = await createTempDir();
  await using service = await start(folder.file("orders.db"));
  await command(service, "/orders/1/place", "a", { customer: "ada", cents: 5 });
  await command(service, "/orders/2/place", "b", { customer: "bob", cents: 6 });
  const response = await fetch(`${urlOf(service)}/events`, { headers: { "last-event-id": "1" } });
  const reader = (response.body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const readUntil = async (part: string): Promise<void> => {
    while (!text.includes(part)) text += (await reader.read()).value ?? "";
  };
  await readUntil('"streamId":"order-2"');
  await command(service, "/orders/3/place", "c", { customer: "cleo", cents: 7 });
  await readUntil('"streamId":"order-3"');
  expect(text).not.toContain("order-1");
  expect(text).toContain('"data":{"customer":"cleo","cents":7}');

  service.signal("SIGINT");
  while (!(await reader.read()).done);
  expect(await service.ended).toMatchObject({ exitCode: 0, stderr: "" });
});

test.concurrent("order-service sends events to so many clients at most, and to another one when one of them has gone", async () => {
  await using folder = await createTempDir();
  await using service = await start(folder.file("orders.db"));
  const watching = new AbortController();
  const watch = (init: RequestInit = {}) => fetch(`${urlOf(service)}/events`, init);
  const clients = await Promise.all(Array.from({ length: 99 }, () => watch({ signal: watching.signal })));
  const leaving = new AbortController();
  clients.push(await watch({ signal: leaving.signal }));
  expect(clients.map(({ status }) => status)).toEqual(clients.map(() => 200));

  const refused = await watch();
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await refused.json()).toEqual({ error: "try again later" });
  expect(await send(service, "/orders")).toMatchObject({ status: 200 });

  leaving.abort();
  await expect.poll(async () => (await watch({ signal: watching.signal })).status).toBe(200);
  watching.abort();
  service.signal("SIGINT");
  expect(await service.ended).toMatchObject({ exitCode: 0, stderr: "" });
});

test.concurrent("order-service stops although clients hold their connections", async () => {
  await using folder = await createTempDir();
  await using service = await start(folder.file("orders.db"));
  const { hostname, port } = new URL(urlOf(service));
  const hold = async (head: string, body: string): Promise<Socket> => {
    const socket = connect(Number(port), hostname);
    await once(socket, "connect");
    socket.write(`${head} HTTP/1.1\r\nHost: ${hostname}\r\nContent-Length: 100\r\nIdempotency-Key: a\r\n\r\n${body}`);
    return socket;
  };
  const sending = await hold("POST /orders/1/place", '{ "customer": ');
  const answered = await hold("GET /orders/1", "");
  await once(answered, "data");
  const closed = Promise.all([once(sending.resume(), "close"), once(answered.resume(), "close")]);

  service.signal("SIGINT");
  expect(await service.ended).toMatchObject({ exitCode: 0, stderr: "" });
  await closed;
});

test.concurrent("order-service answers what it has begun when it stops, and takes nothing more on that connection", async () => {
  await using folder = await createTempDir();
  await using service = await start(folder.file("orders.db"));
  const { hostname, port } = new URL(urlOf(service));
  const socket = connect(Number(port), hostname);
  const body = JSON.stringify({ customer: "ada", cents: 5 });
  const head = `Host: ${hostname}\r\nContent-Length: ${body.length}\r\nIdempotency-Key: a\r\nExpect: 100-continue`;
  socket.write(`POST /orders/1/place HTTP/1.1\r\n${head}\r\n\r\n`);
  // It says so once it has the request.
  await once(socket, "data");
  service.signal("SIGINT");
  await vi.waitFor(() => expect(fetch(urlOf(service))).rejects.toThrow(), { timeout: EXAMPLE_TIMEOUT_MS });
  let answer = "";
  const ended = once(
    socket.on("data", (data) => {
      answer += data;
    }),
    "close",
  );
  socket.write(body);
  await ended;
  expect(answer).toMatch(/^HTTP\/1\.1 201 /);
  expect(answer).toMatch(/^connection: close\r$/im);
  expect(await service.ended).toMatchObject({ exitCode: 0, stderr: "" });
});
