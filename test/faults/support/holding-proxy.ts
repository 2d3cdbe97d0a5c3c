import { connect, createServer, type Server } from "node:net";

/** A proxy in front of a server, which holds back the rest of what a client sends. */
export class HoldingProxy implements AsyncDisposable {
  readonly #server: Server;
  #passed = Number.POSITIVE_INFINITY;
  #held: (() => void)[] = [];
  readonly #close: (() => void)[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(targetPort: number): Promise<HoldingProxy> {
    const server = createServer();
    const proxy = new HoldingProxy(server);
    server.on("connection", (client) => {
      const target = connect(targetPort, "127.0.0.1");
      proxy.#close.push(() => client.destroy());
      target.pipe(client);
      client.on("data", (sent: Buffer) => proxy.#pass(sent, (part) => target.write(part)));
      client.on("end", () => target.end());
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

  /** Whether something is held back. */
  get isHolding(): boolean {
    return this.#held.length > 0;
  }

  /** Lets no more than so many bytes pass from now on. */
  holdAfter(bytes: number): void {
    this.#passed = bytes;
  }

  /** Lets all pass that was held back. */
  release(): void {
    this.#passed = Number.POSITIVE_INFINITY;
    for (const send of this.#held.splice(0)) send();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const close of this.#close) close();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #pass(sent: Buffer, send: (part: Buffer) => void): void {
    const part = sent.subarray(0, this.#passed);
    this.#passed -= part.length;
    if (part.length > 0) send(part);
    const rest = sent.subarray(part.length);
    if (rest.length > 0) this.#held.push(() => send(rest));
  }
}
