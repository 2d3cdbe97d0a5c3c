import type { StoredRecord, Transaction, TransactionalStreamFactory } from "../../../protocols/index.js";
import { ALL_STREAM, type JsonObject, type StoredEvent, type StreamFactory } from "../../../protocols/index.js";
import { eventsOf } from "./collect.js";

/** How long a transaction may take here unless a test says otherwise: a busy machine, or a distant store, takes its time. */
const PATIENT_TIMEOUT_MS = 30_000;

/** A store whose transactions have time. */
export function patient(streams: TransactionalStreamFactory): TransactionalStreamFactory {
  const transaction: TransactionalStreamFactory["transaction"] = (work, options = {}) => {
    const isTimed = typeof options !== "object" || options === null || "timeoutMs" in options;
    return streams.transaction(work, isTimed ? options : { timeoutMs: PATIENT_TIMEOUT_MS, ...options });
  };
  return new Proxy(streams, {
    get: (target, key) => (key === "transaction" ? transaction : Reflect.get(target, key)),
  });
}

/** What a test throws in a transaction to have it undone. */
export class ChangedMyMind extends Error {
  override readonly name = "ChangedMyMind";
}

/** All events of a store. */
export async function allEventsOf(streams: StreamFactory): Promise<StoredEvent[]> {
  return eventsOf(await streams.openStream(ALL_STREAM));
}

/** All events of one stream. */
export async function eventsIn(streams: StreamFactory, streamId: string): Promise<StoredEvent[]> {
  return eventsOf(await streams.openStream(streamId));
}

/** A record as it is committed. */
export function recordIn(
  streams: TransactionalStreamFactory,
  space: string,
  key: string,
): Promise<StoredRecord | null> {
  return streams.transaction((tx) => tx.records.get(space, key));
}

/** Stores a record in a transaction of its own, and returns its revision. */
export function putRecord(
  streams: TransactionalStreamFactory,
  space: string,
  key: string,
  value: JsonObject = {},
): Promise<number> {
  return streams.transaction((tx) => tx.records.put(space, key, value));
}

/** A promise that a test settles. */
export class Gate {
  readonly opened: Promise<void>;
  open: () => void = () => undefined;

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}

/** A transaction that has begun, and goes on once it is let. */
export interface HeldTransaction {
  readonly hasBegun: Promise<void>;
  finish(): void;
  readonly result: Promise<unknown>;
}

/** Begins a transaction that does something and then waits, so that what comes after it has to wait too. */
export function holdTransaction(
  streams: TransactionalStreamFactory,
  work: (tx: Transaction) => Promise<unknown> = async () => undefined,
): HeldTransaction {
  const [begun, end] = [new Gate(), new Gate()];
  const result = streams.transaction(async (tx) => {
    await work(tx);
    begun.open();
    await end.opened;
  });
  result.catch(() => undefined);
  return { hasBegun: begun.opened, finish: () => end.open(), result };
}
