import { Socket } from "node:net";
import type { ClientConfig } from "pg";

/** When the connections end. */
export interface Death {
  /** With which statement, counted from 1 since the call of `arm`. */
  readonly at: number;
  /** Whether the server still gets that statement; its answer comes to nobody. */
  readonly isSent: boolean;
}

/**
 * The PostgreSQL connections of what runs in this process as if it were another one. They end as those of a process that is killed
 * at one of its statements: all of them at once, and there are no further ones. A server sees no more of a kill than that.
 */
export class MortalConnections {
  /** Resolves with the text of the last statement, as far as it was sent with it; an empty one where they were cut. */
  readonly ended: Promise<string>;
  readonly #death: Death;
  readonly #sockets = new Set<Socket>();
  #onEnd: (statement: string) => void = () => undefined;
  #isArmed = false;
  #statements = 0;
  #areCut = false;

  constructor(death: Death) {
    this.#death = death;
    this.ended = new Promise((resolve) => {
      this.#onEnd = resolve;
    });
  }

  get isArmed(): boolean {
    return this.#isArmed;
  }

  get areEnded(): boolean {
    return this.#areCut || this.#statements >= this.#death.at;
  }

  /** The options of a client that has such connections. */
  options(url: string): ClientConfig {
    return { connectionString: url, stream: () => this.#open() };
  }

  /** Counts from now on. */
  arm(): void {
    this.#isArmed = true;
  }

  /** Ends them before their time, with no statement. */
  cut(): void {
    this.#areCut = true;
    this.#end("");
  }

  #open(): Socket {
    if (this.areEnded) throw REFUSED;
    const socket = new SendingSocket((messages, send) => this.#send(messages, send));
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    return socket;
  }

  #send(messages: readonly Uint8Array[], send: () => void): void {
    if (this.areEnded) return;
    if (this.#isArmed) this.#statements += messages.filter(isStatement).length;
    if (!this.areEnded || this.#death.isSent) send();
    if (this.areEnded) this.#end(Buffer.concat(messages).toString("latin1"));
  }

  #end(statement: string): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#onEnd(statement);
  }
}

/** As the server refuses who may not log in, so that what is left of the killed one does not try again for long. */
const REFUSED = Object.assign(new Error("its process was killed"), { code: "28000", severity: "FATAL" });

/** A simple query, and the execution of a prepared one. */
const STATEMENTS: ReadonlySet<number | undefined> = new Set(["Q", "E"].map((type) => type.charCodeAt(0)));

function isStatement([type]: Uint8Array): boolean {
  return STATEMENTS.has(type);
}

type Send = (messages: readonly Uint8Array[], send: () => void) => void;
type Done = (error?: Error | null) => void;

/** A socket that says what it hands to the system, which is one message in each chunk. */
class SendingSocket extends Socket {
  readonly #send: Send;

  constructor(send: Send) {
    super();
    this.#send = send;
  }

  override _write(chunk: Uint8Array, encoding: BufferEncoding, done: Done): void {
    this.#send([chunk], () => super._write(chunk, encoding, done));
  }

  override _writev(chunks: { chunk: Uint8Array; encoding: BufferEncoding }[], done: Done): void {
    const messages = chunks.map(({ chunk }) => chunk);
    this.#send(messages, () => super._writev?.(chunks, done));
  }
}
