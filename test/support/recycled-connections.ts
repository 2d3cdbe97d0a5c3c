import { Client, type PoolClient } from "pg";

/** What a client of `pg` has besides its types. */
interface Internals {
  readonly connection: {
    readonly stream: { readonly destroyed: boolean };
    parsedStatements: object;
    removeAllListeners(event: string): void;
  };
}

const EVENTS = ["notice", "error", "end", "notification"] as const;

/**
 * A pool whose connections go from one store to the next, as new. A new process of the server costs more than most tests,
 * and a store opens three.
 */
export class RecycledConnections {
  readonly #url: () => Promise<string>;
  readonly #idle: PoolClient[] = [];
  #totalCount = 0;

  constructor(url: () => Promise<string>) {
    this.#url = url;
  }

  get totalCount(): number {
    return this.#totalCount;
  }

  async connect(): Promise<PoolClient> {
    for (let client = this.#idle.pop(); client !== undefined; client = this.#idle.pop()) {
      if (!isLost(client)) return client;
    }
    const client = new Client(await this.#url()) as unknown as PoolClient;
    client.release = () => this.#recycle(client) as unknown as undefined;
    await (client as unknown as Client).connect();
    this.#totalCount += 1;
    return client;
  }

  async #recycle(client: PoolClient): Promise<void> {
    for (const event of EVENTS) client.removeAllListeners(event);
    // The client itself has no listener of this one.
    internalsOf(client).connection.removeAllListeners("parameterStatus");
    client.on("error", () => undefined);
    if (isLost(client)) return;
    // Each on its own: the second is refused within a transaction.
    await client.query("ROLLBACK");
    await client.query("DISCARD ALL");
    internalsOf(client).connection.parsedStatements = {};
    this.#idle.push(client);
  }
}

function isLost(client: PoolClient): boolean {
  return internalsOf(client).connection.stream.destroyed;
}

function internalsOf(client: PoolClient): Internals {
  return client as unknown as Internals;
}
