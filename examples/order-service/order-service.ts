import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { ALL_STREAM, type Stream, sql, type TransactionalStreamFactory } from "async-streams";
import { handle, loadState, stateCache } from "async-streams/commands";
import { whenProcessed } from "async-streams/projections";
import { type Answer, answerToError, InvalidRequest, inputOf, KeyConflict, urlOf } from "./http.js";
import { commands, OrderConflict, type OrderEvent, order } from "./order.js";

/** How long a list waits for the table to have what its reader has written. */
const FRESHNESS_MS = 2_000;

/** How long requests may take once the service stops. A client that holds its connection for longer loses it. */
const STOP_TIMEOUT_MS = 5_000;

/** The orders of a store over HTTP. Disposing it ends the streams of events, and then the server. */
export class OrderService implements AsyncDisposable {
  readonly server: Server = createServer((request, response) => this.#begin(request, response));
  readonly #streams: TransactionalStreamFactory;
  readonly #everything: Stream<OrderEvent>;
  readonly #cache = stateCache();
  /** Requests whose client may have gone: they need the store until they are done. */
  readonly #underWay = new Set<Promise<void>>();

  private constructor(streams: TransactionalStreamFactory, everything: Stream<OrderEvent>) {
    this.#streams = streams;
    this.#everything = everything;
  }

  static async over(streams: TransactionalStreamFactory): Promise<OrderService> {
    return new OrderService(streams, await streams.openStream<OrderEvent>(ALL_STREAM));
  }

  #begin(request: IncomingMessage, response: ServerResponse): void {
    const done = this.#onRequest(request, response).finally(() => this.#underWay.delete(done));
    this.#underWay.add(done);
  }

  async #onRequest(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === "GET" && request.url?.split("?")[0] === "/events")
      return this.#sendEvents(request, response);
    const answer = await this.#answer(request).catch(answerToError);
    // A client that sends one request after the other on its connection would hold up a stop.
    if (!this.server.listening) response.setHeader("connection", "close");
    send(response, answer);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { pathname, searchParams } = urlOf(request);
    const [, orders, id, command = "", ...rest] = pathname.split("/");
    if (orders !== "orders") return { status: 404, body: { error: "there are /orders and /events" } };
    if (request.method === "GET") return id === undefined ? this.#list(searchParams) : this.#show(`order-${id}`);
    if (request.method !== "POST" || !id || rest.length > 0 || !Object.hasOwn(commands, command)) {
      return { status: 404, body: { error: `POST to /orders/<id>/<command>: ${Object.keys(commands).join(", ")}` } };
    }
    return this.#handle(`order-${id}`, command as keyof typeof commands, request);
  }

  /** The key names the command: a request that is sent again gets the answer of the first, and stores nothing. */
  async #handle(streamId: string, command: keyof typeof commands, request: IncomingMessage): Promise<Answer> {
    const { "idempotency-key": commandId, "if-match": expected } = request.headers;
    if (typeof commandId !== "string") throw new InvalidRequest("the header Idempotency-Key is missing");
    const input = await inputOf(request);
    // Kept with the events, it tells whether a later request with the key is this one.
    const digest = createHash("sha256")
      .update(JSON.stringify([command, input]))
      .digest("hex");
    const { state, position, written, events } = await handle(
      this.#streams,
      order,
      streamId,
      (found) => {
        if ((expected ?? `"${found.version}"`) !== `"${found.version}"`)
          throw new OrderConflict("the order has changed");
        return commands[command](found, input);
      },
      { commandId, metadata: { request: digest }, cache: this.#cache },
    );
    if (events.some(({ metadata }) => metadata?.request !== digest))
      throw new KeyConflict("another request had this key");
    return { status: written > 0 ? 201 : 200, body: { ...state, position }, version: state.version };
  }

  async #show(streamId: string): Promise<Answer> {
    const { state, version } = await loadState(this.#streams, order, streamId, { cache: this.#cache });
    return version === 0 ? { status: 404, body: { error: "no such order" } } : { status: 200, body: state, version };
  }

  /** From the table. With `position`, which each command answers with, the list has what that command did. */
  async #list(search: URLSearchParams): Promise<Answer> {
    const position = Number(search.get("position") ?? 0);
    if (!Number.isSafeInteger(position)) throw new InvalidRequest("position must be a whole number");
    await whenProcessed(this.#streams, "orders", position, { timeoutMs: FRESHNESS_MS });
    const customer = search.get("customer");
    const chosen = customer === null ? sql`` : sql`WHERE customer = ${customer}`;
    return { status: 200, body: await this.#streams.query(sql`SELECT * FROM orders ${chosen} ORDER BY id LIMIT 100`) };
  }

  /** Server-sent events, from where the client lost its connection. The events of a slow client wait in the store. */
  async #sendEvents(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    try {
      const after = await this.#placeOf(request);
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" }).flushHeaders();
      for await (const { position, streamId, type, data } of this.#everything.watch({ after, signal: gone.signal })) {
        const isBuffered = !response.write(`id: ${position}\ndata: ${JSON.stringify({ streamId, type, data })}\n\n`);
        if (isBuffered) await once(response, "drain", { signal: gone.signal });
      }
      response.end();
    } catch (error) {
      if (gone.signal.aborted) return;
      if (response.headersSent) response.destroy(error as Error);
      else send(response, answerToError(error));
    }
  }

  /** The place of the last event that the client has. One beyond the end was in another store, such as before a restore. */
  async #placeOf({ headers }: IncomingMessage): Promise<number> {
    const after = Number(headers["last-event-id"] ?? 0);
    if (!Number.isSafeInteger(after) || after < 0) throw new InvalidRequest("Last-Event-ID must be a whole number");
    await using all = await this.#streams.openStream(ALL_STREAM);
    if (after > all.version) throw new InvalidRequest("Last-Event-ID is beyond the last event: begin without it");
    return after;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#everything[Symbol.asyncDispose]();
    if (!this.server.listening) return;
    this.server.close();
    this.server.closeIdleConnections();
    setTimeout(() => this.server.closeAllConnections(), STOP_TIMEOUT_MS).unref();
    await once(this.server, "close");
    await Promise.all(this.#underWay);
  }
}

function send(response: ServerResponse, { status, body, version }: Answer): void {
  if (version !== undefined) response.setHeader("etag", `"${version}"`);
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
