import { connect, createServer, type Server } from "node:net";

/** A proxy in front of a server, which changes what the server answers, or holds it back until the server's end. */
export class AnswerProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #close: (() => void)[] = [];
  readonly #change: (answer: Buffer) => Buffer;
  #isHolding = false;

  private constructor(server: Server, change: (answer: Buffer) => Buffer) {
    this.#server = server;
    this.#change = change;
  }

  static async start(targetPort: number, change = (answer: Buffer) => answer): Promise<AnswerProxy> {
    const server = createServer();
    const proxy = new AnswerProxy(server, change);
    server.on("connection", (client) => {
      const target = connect(targetPort, "127.0.0.1");
      proxy.#close.push(() => client.destroy());
      client.pipe(target);
      const held: Buffer[] = [];
      target.on("data", (answer: Buffer) => {
        if (proxy.#isHolding) held.push(answer);
        else client.write(proxy.#change(answer));
      });
      target.on("close", () => client.end(Buffer.concat(held)));
      for (const socket of [client, target]) socket.on("error", () => undefined);
      client.on("close", () => target.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  /** A connection string through the proxy. */
  get url(): string {
    const address = this.#server.address();
    return `postgresql://postgres@127.0.0.1:${typeof address === "object" ? address?.port : ""}/postgres`;
  }

  /** From now on each connection gets what it is answered at once, and with it what the server says as it ends. */
  holdUntilEnd(): void {
    this.#isHolding = true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#close) close();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
