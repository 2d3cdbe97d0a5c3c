import type { PostgresConnection } from "../client/client.js";

/** The context of a channel. */
export interface NotificationChannelParts {
  readonly channel: string;
  readonly open: () => Promise<PostgresConnection>;
  /** Called with the last position of each group of commits. */
  readonly onPosition: (position: number) => void;
  /** Called whenever listening begins: what was notified before is lost. */
  readonly onListening: () => void;
}

/** How long to wait before listening again when the connection was lost. */
const RETRY_MS = 200;

/** Listens to the server's notifications while it is started, and listens again when the connection was lost. */
export class NotificationChannel {
  readonly #parts: NotificationChannelParts;
  #connection: PostgresConnection | undefined;
  #opening: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStarted = false;

  constructor(parts: NotificationChannelParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#isStarted = true;
    if (this.#connection === undefined) this.#opening ??= this.#listen();
  }

  stop(): void {
    this.#isStarted = false;
    clearTimeout(this.#timer);
    void this.#connection?.close();
    this.#connection = undefined;
  }

  /** Stops, and waits until nothing is open. */
  async close(): Promise<void> {
    const connection = this.#connection;
    this.stop();
    await this.#opening;
    await connection?.close();
  }

  async #listen(): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const connection = await this.#openListening();
      this.#opening = undefined;
      if (!this.#isStarted) return await connection.close();
      this.#connection = connection;
      this.#parts.onListening();
    } catch {
      // Polling finds everything meanwhile.
      this.#opening = undefined;
      this.#listenLater();
    }
  }

  async #openListening(): Promise<PostgresConnection> {
    const { channel, open, onPosition } = this.#parts;
    const connection = await open();
    try {
      connection.onNotification((payload) => onPosition(Number(payload)));
      connection.onEnd(() => this.#onEnd(connection));
      await connection.script(`LISTEN ${channel}`);
      return connection;
    } catch (error) {
      // A standby takes connections, and refuses to listen.
      await connection.close();
      throw error;
    }
  }

  #onEnd(connection: PostgresConnection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#listenLater();
  }

  #listenLater(): void {
    if (!this.#isStarted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.start(), RETRY_MS);
  }
}
