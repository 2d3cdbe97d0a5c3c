import { invalidArgument } from "../validate/check-arguments.js";
import { describeValue } from "../validate/json-text.js";

/**
 * One end of a channel between threads: a `MessagePort`, in the main thread a `Worker`, or in a worker its `parentPort`.
 *
 * Messages of others may go through it as well. It carries one connection at a time.
 */
export type StreamPort =
  | {
      /** Sends a copy of a message to the other end. */
      postMessage(message: unknown): void;
      /** Calls the listener with each `message` from the other end, and when that goes away (`close`, of a `Worker` `exit`). */
      // biome-ignore lint/suspicious/noExplicitAny: the ends of channels type their listeners in different ways.
      on(event: "message" | "close" | "exit", listener: (message: any) => void): unknown;
      /** Takes a listener back. */
      // biome-ignore lint/suspicious/noExplicitAny: see above.
      off(event: "message" | "close" | "exit", listener: (message: any) => void): unknown;
    }
  /** The global `MessagePort` of Node, which is the same one, as the types of the DOM describe it. */
  | {
      /** Sends a copy of a message to the other end. */
      postMessage(message: unknown): void;
      /** Begins to deliver messages. */
      start(): void;
      /** Ends the channel. */
      close(): void;
      /** Has a listener called with each message from the other end. */
      addEventListener(type: "message", listener: () => void): void;
    };

type EmittingPort = Extract<StreamPort, { on: unknown }>;

const portsInUse = new WeakSet<EmittingPort>();

/** The messages of this library on a port, until one side ends the connection or the other end goes away. */
export class PortMessages<Incoming extends object, Outgoing extends object> {
  readonly #port: EmittingPort;
  readonly #onMessage: (message: unknown) => void;
  readonly #onGone: () => void;
  #isClosed = false;

  /**
   * @param onMessage - called with each message of this library
   * @param onGone - called once when the other end has gone away
   * @throws InvalidArgumentError when it is no port, or is in use
   */
  constructor(port: unknown, onMessage: (message: Incoming) => void, onGone: () => void) {
    this.#port = parsePort(port);
    this.#onMessage = (message) => {
      if (isObject(message) && isObject(message[ENVELOPE])) onMessage(message[ENVELOPE] as Incoming);
    };
    this.#onGone = () => {
      this.close();
      onGone();
    };
    portsInUse.add(this.#port);
    this.#port.on("message", this.#onMessage);
    for (const event of GONE) this.#port.on(event, this.#onGone);
    if (isClosed(this.#port)) queueMicrotask(() => !this.#isClosed && this.#onGone());
  }

  /** Sends a message, unless it is closed. */
  post(message: Outgoing): void {
    if (!this.#isClosed) this.#port.postMessage({ [ENVELOPE]: message });
  }

  /** Listens no more. A second call is harmless. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    portsInUse.delete(this.#port);
    this.#port.off("message", this.#onMessage);
    for (const event of GONE) this.#port.off(event, this.#onGone);
  }
}

/** The field that tells messages of this library from others. */
const ENVELOPE = "async-streams";

const GONE = ["close", "exit"] as const;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/**
 * Whether the other end has gone away before, which no event says. Nothing else than an open port keeps the process alive when
 * it is asked to.
 */
function isClosed(port: EmittingPort): boolean {
  if ("threadId" in port) return port.threadId === ENDED_THREAD;
  const counted = port as EmittingPort & { hasRef?(): boolean; ref(): void; unref(): void };
  if (typeof counted.hasRef !== "function" || counted.hasRef()) return false;
  counted.ref();
  if (!counted.hasRef()) return true;
  counted.unref();
  return false;
}

/** The id of the thread of a `Worker` that has ended. */
const ENDED_THREAD = -1;

function parsePort(port: unknown): EmittingPort {
  const methods = (typeof port === "object" && port !== null ? port : {}) as Partial<EmittingPort>;
  const isPort = [methods.postMessage, methods.on, methods.off].every((method) => typeof method === "function");
  if (!isPort) throw invalidArgument("port", `expected a MessagePort or a Worker, got ${describeValue(port)}`);
  if (portsInUse.has(port as EmittingPort)) {
    throw invalidArgument("port", "it is in use; make a MessageChannel for each connection");
  }
  return port as EmittingPort;
}
