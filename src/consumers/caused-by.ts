import type { JsonObject, StoredEvent, Transaction, WriteResult } from "../../protocols/index.js";
import { isPlainObject } from "../validate/json-text.js";

/** What the keys begin with of the events that a consumer stores for an event. */
export const keyPrefix = (consumer: string, { position }: StoredEvent): string => `${consumer}/${position}/`;

/**
 * The transaction as the handler of an event gets it: what it writes names the event as its cause, and has a key, so that an
 * event that is handled again stores nothing twice.
 *
 * @param causeless - the keys of events that do not name it
 */
export function causedBy(
  event: StoredEvent,
  consumer: string,
  tx: Transaction,
  causeless: ReadonlySet<string>,
): Transaction {
  let count = 0;
  const causedEvent = (candidate: unknown): unknown => {
    if (typeof candidate !== "object" || candidate === null) return candidate;
    count += 1;
    const { idempotencyKey = `${keyPrefix(consumer, event)}${count}`, metadata } = candidate as Candidate;
    if (causeless.has(idempotencyKey)) return { ...candidate, idempotencyKey };
    // What is no metadata is refused by the write.
    const isMetadata = metadata === undefined || metadata === null || isPlainObject(metadata);
    return { ...candidate, idempotencyKey, metadata: isMetadata ? { ...causes(event), ...metadata } : metadata };
  };
  // The events stay what they are; only fields that are absent are added.
  const write = (streamId: string, events: unknown, options?: object): Promise<WriteResult> =>
    (tx.write.bind(tx) as (streamId: string, events: unknown, options?: object) => Promise<WriteResult>)(
      streamId,
      Array.isArray(events) ? events.map(causedEvent) : causedEvent(events),
      options,
    );
  return {
    position: tx.position,
    records: tx.records,
    sql: tx.sql,
    read: (streamId, options) => tx.read(streamId, options),
    version: (streamId) => tx.version(streamId),
    require: (condition) => tx.require(condition),
    write: write as Transaction["write"],
  };
}

interface Candidate {
  readonly idempotencyKey?: string;
  readonly metadata?: object | null;
}

function causes({ id, metadata }: StoredEvent): JsonObject {
  const correlationId = (metadata as JsonObject | null)?.correlationId;
  return { causationId: id, ...(correlationId === undefined ? {} : { correlationId }) };
}
