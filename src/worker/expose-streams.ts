import { StreamClosedError, type StreamFactory } from "../../protocols/index.js";
import { streamContextOf } from "../stream/context-access.js";
import type { StoreService } from "../stream/store-service.js";
import type { StreamContext } from "../stream/stream-impl.js";
import { inAttempt, inStore } from "../validate/in-call.js";
import { encodeError } from "./error-codec.js";
import { ExposedCalls, type ExposedMethods } from "./exposed-calls.js";
import { describeStore, exposedMethods } from "./exposed-store.js";
import { ExposedWatches } from "./exposed-watches.js";
import type { ClientMessage, StoreMessage } from "./messages.js";
import { PortMessages, type StreamPort } from "./port.js";

/**
 * Lets a worker use a store of this thread: answers for it through a port, until it is disposed of, the store is disposed of,
 * or the other end goes away. Then the transactions of the worker are rolled back at once. It exposes the store itself,
 * whatever the factory is wrapped in.
 *
 * @param port - one end of a channel: a `MessagePort` whose other end the worker has, or the `Worker` itself. Each port
 * carries one connection; make a `MessageChannel` for each.
 * @throws InvalidArgumentError when it is no store or no port, or the port is in use.
 *
 * @example
 * ```ts
 * import { once } from "node:events";
 * import { MessageChannel, Worker } from "node:worker_threads";
 * import { sqliteStreamFactory } from "async-streams";
 * import { exposeStreams } from "async-streams/worker";
 *
 * await using streams = await sqliteStreamFactory("bank.db");
 * const { port1, port2 } = new MessageChannel();
 * using exposed = exposeStreams(streams, port1);
 * const worker = new Worker(new URL("projector.js", import.meta.url), { workerData: { port: port2 }, transferList: [port2] });
 * await once(worker, "exit");
 * ```
 */
export function exposeStreams(streams: StreamFactory, port: StreamPort): Disposable {
  return inAttempt("expose a store", undefined, () => {
    const { hooks: _, ...context } = streamContextOf(streams);
    return new Exposure(context, port);
  });
}

/** The side of the store. A worker may connect again after it has ended its connection. */
class Exposure implements Disposable, StoreService {
  readonly #context: StreamContext;
  readonly #methods: ExposedMethods;
  readonly #messages: PortMessages<ClientMessage, StoreMessage>;
  #calls: ExposedCalls;
  #watches: ExposedWatches;
  #isRefusing = false;

  constructor(context: StreamContext, port: unknown) {
    context.lifetime.assertOpen("expose the store");
    this.#context = context;
    this.#methods = exposedMethods(context);
    this.#messages = new PortMessages(
      port,
      (message) => this.#onMessage(message),
      () => this.#end(),
    );
    [this.#calls, this.#watches] = this.#connection();
    context.services.add(this);
    this.#messages.post({ kind: "ready" });
  }

  /** What a connection has, which tells nobody anything once it has ended. */
  #connection(): [ExposedCalls, ExposedWatches] {
    const post = (message: StoreMessage): void => {
      if (this.#calls === calls) this.#messages.post(message);
    };
    const calls = new ExposedCalls(this.#methods, post);
    return [calls, new ExposedWatches(this.#context.notifier, post)];
  }

  #onMessage(message: ClientMessage): void {
    switch (message.kind) {
      case "hello":
        this.#messages.post({ kind: "welcome", store: describeStore(this.#context) });
        break;
      case "call":
        if (this.#isRefusing) this.#refuse(message.call, message.method);
        else void this.#calls.answer(message.call, message.method, message.args);
        break;
      case "abort":
        this.#calls.abort(message.call);
        break;
      case "request":
        void this.#calls.request(message.call, message.request, message.method, message.args);
        break;
      case "settle":
        this.#calls.settle(message.call, message.isDone);
        break;
      case "subscribe":
        this.#watches.subscribe(message.subscription, message.streamId);
        break;
      case "heard":
        this.#watches.heard(message.subscription);
        break;
      case "unsubscribe":
        this.#watches.unsubscribe(message.subscription);
        break;
      case "bye":
        this.#reset();
        break;
    }
  }

  #refuse(call: number, method: string): void {
    const { location } = this.#context.storage;
    const text = `Cannot call ${method}${inStore(location)} from a worker: the store is being disposed of. Open it again.`;
    this.#messages.post({ kind: "answer", call, outcome: { error: encodeError(new StreamClosedError(text)) } });
  }

  /** Ends what belongs to the connection, and is ready for the next. */
  #reset(): void {
    this.#watches[Symbol.dispose]();
    this.#calls.abortAll();
    [this.#calls, this.#watches] = this.#connection();
  }

  #end(): void {
    this.#context.services.delete(this);
    this.#messages.post({ kind: "bye" });
    this.#messages.close();
    this.#reset();
  }

  /** Lets what has begun come to its end. */
  async stop(): Promise<void> {
    this.#isRefusing = true;
    await this.#calls.drained();
    this.#end();
  }

  [Symbol.dispose](): void {
    this.#end();
  }
}
