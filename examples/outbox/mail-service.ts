import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** One request in so many fails, as services do. */
const FAILURE_EVERY = 7;

/**
 * A mail service on this machine. It sends a mail once for each idempotency key, as a real one does. Some requests fail, and
 * of some of these the mail was sent all the same.
 */
export class MailService implements AsyncDisposable {
  /** The addresses that mails were sent to, in order. */
  readonly sent: string[] = [];
  /** How many requests asked for a mail that was sent already. */
  repeated = 0;
  readonly #keys = new Set<string>();
  readonly #server = createServer((request, response) => {
    void this.#answer(request).then((status) => response.writeHead(status).end());
  });
  #requests = 0;
  #onSent: (() => void) | undefined;

  async listen(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  /** Resolves once so many mails were sent. */
  async whenSent(count: number): Promise<void> {
    while (this.sent.length < count) {
      await new Promise<void>((resolve) => {
        this.#onSent = resolve;
      });
    }
  }

  async #answer(request: IncomingMessage): Promise<number> {
    const { to } = JSON.parse(await text(request)) as { to: string };
    const key = String(request.headers["idempotency-key"]);
    this.#requests += 1;
    if (this.#requests % (2 * FAILURE_EVERY) === 0) return 503;
    if (this.#keys.has(key)) {
      this.repeated += 1;
      return 200;
    }
    this.#keys.add(key);
    this.sent.push(to);
    this.#onSent?.();
    return this.#requests % FAILURE_EVERY === 0 ? 500 : 200;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }
}
