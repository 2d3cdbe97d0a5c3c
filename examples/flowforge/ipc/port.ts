import { inspect } from "node:util";
import { invalidArgument } from "../flowforge-error.js";

/** One end of a channel between two processes or threads: a `MessagePort`, a child process, or the `process` of a child. */
export type IpcPort = MessagePortLike | ProcessLike;

interface MessagePortLike extends Listening {
  postMessage(message: unknown): void;
}

interface ProcessLike extends Listening {
  send?(message: unknown, callback?: (error: Error | null) => void): boolean;
}

interface Listening {
  // biome-ignore lint/suspicious/noExplicitAny: the ends of channels type their listeners in different ways.
  on(event: any, listener: (message: any) => void): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: see above.
  off(event: any, listener: (message: any) => void): unknown;
}

/** The events by which an end says that the other one is gone. */
const GONE = ["close", "disconnect", "exit"];

/** The messages of this application on a port. */
export class Messages {
  readonly #port: IpcPort;
  readonly #onMessage: (message: unknown) => void;
  readonly #onGone: () => void;
  #isClosed = false;

  /** @throws FlowForgeError `INVALID_ARGUMENT` when the port is none */
  constructor(port: IpcPort, onMessage: (message: unknown) => void, onGone: () => void) {
    if (!isPort(port)) {
      throw invalidArgument(
        `port must be a MessagePort, or one end of a process's channel, not ${inspect(port, { depth: 0 })}.`,
      );
    }
    this.#port = port;
    this.#onMessage = onMessage;
    this.#onGone = () => {
      this.close();
      onGone();
    };
    port.on("message", this.#onMessage);
    for (const event of GONE) port.on(event, this.#onGone);
  }

  /**
   * Sends a message, and resolves when it has left this process: a process that does not read keeps the sender waiting. A
   * `MessagePort` takes every message at once. What is sent to an end that is gone is lost.
   */
  async post(message: object): Promise<void> {
    const port = this.#port;
    if (this.#isClosed) return;
    if ("postMessage" in port) port.postMessage(message);
    else await new Promise<void>((resolve) => void (port.send ? port.send(message, () => resolve()) : resolve()));
  }

  /** Listens no more. The port stays open. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#port.off("message", this.#onMessage);
    for (const event of GONE) this.#port.off(event, this.#onGone);
  }
}

/** A process that was not forked has no `send`, and nobody at the other end. */
function isPort(value: unknown): value is IpcPort {
  if (typeof value !== "object" || value === null) return false;
  const { on, off, send, postMessage } = value as Record<string, unknown>;
  return [on, off, postMessage ?? send].every((member) => typeof member === "function");
}
