import { connect, createServer, type Server, type Socket } from "node:net";

/** A proxy in front of a server, whose connections a test cuts. */
export class CuttingProxy implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The port that new connections go to. */
  targetPort: number;
  #cuts = 0;

  private constructor(server: Server, targetPort: number) {
    this.#server = server;
    this.targetPort = targetPort;
  }

  static async start(targetPort: number): Promise<CuttingProxy> {
    const server = createServer();
    const proxy = new CuttingProxy(server, targetPort);
    server.on("connection", (client) => proxy.#join(client, connect(proxy.targetPort, "127.0.0.1")));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  /** A connection string through the proxy. */
  get url(): string {
    const address = this.#server.address();
    return `postgresql://postgres@127.0.0.1:${typeof address === "object" ? address?.port : ""}/postgres`;
  }

  /** How many connections were cut. */
  get cuts(): number {
    return this.#cuts;
  }

  /** Cuts all connections at once. What is under way gets no answer, and may be stored. */
  cut(): void {
    this.#cuts += this.#sockets.size / 2;
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(client: Socket, server: Socket): void {
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(from);
      from.on("error", () => undefined);
      from.on("close", () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}
