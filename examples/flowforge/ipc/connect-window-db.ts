import { FlowForgeError } from "../flowforge-error.js";
import type { Event, EventStorePort, NewEvent, QueryArgs, Row, Snapshot, UpsertArgs } from "../ports.js";
import { isPlainObject } from "./check-json.js";
import type { MethodName, Request, Response } from "./messages.js";
import { type IpcPort, Messages } from "./port.js";
import type { Published } from "./publication.js";

/** All that a window has of the database: `window.db`. */
export interface WindowDb {
  appendEvent(event: NewEvent): Promise<Event>;
  /**
   * At most 10,000 events, and no more after the one that reaches 8 MiB. Ask for those after them with the last one's `seq` as
   * `afterSeq`, until none come.
   */
  loadEvents(args: { readonly aggregateId: string; readonly afterSeq?: number }): Promise<Event[]>;
  latestSnapshot(args: { readonly aggregateId: string }): Promise<Snapshot | null>;
  saveSnapshot(snapshot: Parameters<EventStorePort["saveSnapshot"]>[0]): Promise<void>;
  queryProjection(args: QueryArgs): Promise<Row[]>;
  upsertProjection(args: UpsertArgs): Promise<void>;
  /** What the main process publishes: the newest value whenever the loop is ready for one. Ends with the connection. */
  changes(): AsyncIterable<unknown>;
  /** Rejects the calls that are under way. The port stays open. */
  close(): void;
}

/** The database of the main process at the other end of a port. */
export function connectWindowDb(port: IpcPort): WindowDb {
  const calls = new Calls(port);
  return {
    appendEvent: async (event) => calls.call<Event>("appendEvent", event),
    loadEvents: async (args) => calls.call<Event[]>("loadEvents", args),
    latestSnapshot: async (args) => calls.call<Snapshot | null>("latestSnapshot", args),
    saveSnapshot: async (snapshot) => void (await calls.call("saveSnapshot", snapshot)),
    queryProjection: async (args) => calls.call<Row[]>("queryProjection", args),
    upsertProjection: async (args) => void (await calls.call("upsertProjection", args)),
    changes: () => changesOf(calls),
    close: () => calls.end(),
  };
}

async function* changesOf(calls: Calls): AsyncGenerator<unknown, void> {
  for (let after = 0; ; ) {
    const published = await calls.call<Published | null>("nextChange", { after }).catch((error) => {
      if (error instanceof FlowForgeError && error.code === "CONNECTION_CLOSED") return null;
      throw error;
    });
    if (published === null) return;
    yield published.value;
    after = published.number;
  }
}

interface Pending {
  resolve(result: unknown): void;
  reject(error: FlowForgeError): void;
}

/** Matches answers with calls. */
class Calls {
  readonly #messages: Messages;
  readonly #pending = new Map<number, Pending>();
  #nextId = 1;
  #hasEnded = false;

  constructor(port: IpcPort) {
    this.#messages = new Messages(
      port,
      (message) => this.#onAnswer(message),
      () => this.end(),
    );
  }

  call<T>(method: MethodName, args: unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#hasEnded) return reject(connectionClosed());
      const id = this.#nextId++;
      this.#pending.set(id, { resolve: resolve as Pending["resolve"], reject });
      this.#messages.post({ id, method, args } satisfies Request).catch((cause) => {
        this.#pending.delete(id);
        reject(new FlowForgeError("INVALID_ARGUMENT", "The arguments cannot be copied.", { cause }));
      });
    });
  }

  end(): void {
    this.#hasEnded = true;
    this.#messages.close();
    for (const { reject } of this.#pending.values()) reject(connectionClosed());
    this.#pending.clear();
  }

  #onAnswer(message: unknown): void {
    if (!isPlainObject(message)) return;
    const response = message as unknown as Response;
    const pending = this.#pending.get(response.id);
    if (pending === undefined) return;
    this.#pending.delete(response.id);
    if ("error" in response) pending.reject(new FlowForgeError(response.error.code, response.error.message));
    else pending.resolve(response.result);
  }
}

function connectionClosed(): FlowForgeError {
  return new FlowForgeError("CONNECTION_CLOSED", "The main process is gone.");
}
