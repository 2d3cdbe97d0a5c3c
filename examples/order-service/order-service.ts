/** Orders over HTTP. See the README beside it. */
import { hash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { ALL_STREAM, isStreamError, sql, sqliteStreamFactory } from "async-streams";
import { handle } from "async-streams/commands";
import { runProjections } from "async-streams/projections";
import { commands, type Input, InvalidRequest, OrderConflict, type OrderEvent, order, orderTable } from "./order.js";

const { PORT = "8080", ORDERS_FILE = "orders.db" } = process.env;
const MAX_BODY_BYTES = 65_536;
/** How many clients events are sent to at the same time: each one holds a connection. */
const MAX_EVENT_CLIENTS = 100;
/** When one beyond them may ask again. */
const RETRY_AFTER_S = 5;
/** How long requests may take once the service stops. A client that holds its connection for longer loses it. */
const STOP_TIMEOUT_MS = 5_000;

const stopped = Promise.race([once(process, "SIGINT"), once(process, "SIGTERM")]);
await using streams = await sqliteStreamFactory(ORDERS_FILE);
await using _runner = await runProjections(streams, [orderTable], { mode: "inline" });
await using everything = await streams.openStream<OrderEvent>(ALL_STREAM);

let eventClients = 0;
const server = createServer(async (request, response) => {
  try {
    if (request.method === "GET" && request.url === "/events") await sendEvents(request, response);
    else await answer(request, response);
  } catch (error) {
    answerError(response, error);
  }
}).listen(Number(PORT), "127.0.0.1");
await once(server, "listening");
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);

await stopped;
await everything[Symbol.asyncDispose](); // ends the watches, and so the responses that send events
server.close();
setTimeout(() => server.closeAllConnections(), STOP_TIMEOUT_MS).unref();
await once(server, "close");

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { method, url = "" } = request;
  if (method === "GET" && url === "/orders") {
    return send(response, 200, await streams.query(sql`SELECT * FROM orders ORDER BY id LIMIT 100`));
  }
  const [, id, command = ""] = /^\/orders\/([\w-]{1,64})\/(\w+)$/.exec(url) ?? [];
  if (method !== "POST" || !isCommand(command)) return send(response, 404, { error: "there is nothing here" });
  const { "idempotency-key": commandId } = request.headers;
  if (typeof commandId !== "string") throw new InvalidRequest("the header Idempotency-Key is missing");
  const body = await bodyOf(request);
  const input = inputOf(body);

  // Stored with the event, it tells whether a later request that has the key is this one.
  const digest = hash("sha256", `${command} ${body}`);
  const { state, written, events } = await handle(
    streams,
    order,
    `order-${id}`,
    (found) => commands[command](found, input),
    { commandId, metadata: { request: digest } },
  );
  const isOther = events.some(({ metadata }) => metadata?.request !== digest);
  if (isOther) return send(response, 422, { error: "another request had this key" });
  send(response, written > 0 ? 201 : 200, state);
}

function isCommand(name: string): name is keyof typeof commands {
  return Object.hasOwn(commands, name);
}

/** Empty where it may be too long, or where the client breaks off. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  const isShort = Number(request.headers["content-length"]) <= MAX_BODY_BYTES;
  return isShort ? text(request).catch(() => "") : "";
}

function inputOf(body: string): Input {
  try {
    const input: unknown = JSON.parse(body);
    if (typeof input === "object" && input !== null) return input as Input;
  } catch {
    // It is no JSON.
  }
  throw new InvalidRequest(`the body must be a JSON object with a Content-Length of at most ${MAX_BODY_BYTES}`);
}

/** Server-sent events, from where the client lost its connection. The events of a slow client wait in the store. */
async function sendEvents(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const after = Number(request.headers["last-event-id"] ?? 0);
  if (!Number.isSafeInteger(after) || after < 0) throw new InvalidRequest("Last-Event-ID must be a whole number");
  if (eventClients === MAX_EVENT_CLIENTS) {
    response.setHeader("retry-after", RETRY_AFTER_S);
    return send(response, 503, { error: "try again later" });
  }
  const gone = new AbortController();
  eventClients += 1;
  response.once("close", () => {
    eventClients -= 1;
    gone.abort();
  });
  response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" }).flushHeaders();
  try {
    for await (const { position, streamId, type, data } of everything.watch({ after, signal: gone.signal })) {
      const isBuffered = !response.write(`id: ${position}\ndata: ${JSON.stringify({ streamId, type, data })}\n\n`);
      if (isBuffered) await once(response, "drain", { signal: gone.signal });
    }
    response.end();
  } catch (error) {
    if (!gone.signal.aborted) throw error;
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  // A client that sends one request after the other on its connection would hold up a stop.
  if (!server.listening) response.setHeader("connection", "close");
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

function answerError(response: ServerResponse, error: unknown): void {
  const status = statusOf(error);
  if (status >= 500) console.error(error);
  if (response.headersSent) response.destroy();
  else send(response, status, { error: status < 500 ? (error as Error).message : "try again later" });
}

function statusOf(error: unknown): number {
  if (error instanceof InvalidRequest || isStreamError(error, "INVALID_ARGUMENT")) return 400;
  if (error instanceof OrderConflict || isStreamError(error, "CONCURRENCY_CONFLICT")) return 409;
  if (isStreamError(error, "IDEMPOTENCY_CONFLICT")) return 422; // another request had the key at the same time
  return isStreamError(error) ? 503 : 500;
}
