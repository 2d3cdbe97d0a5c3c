import type { JsonObject, StoredEvent, Transaction, WriteResult } from "../../protocols/index.js";
import { isPlainObject } from "../validate/json-text.js";

/** What the keys begin with of the events that a consumer stores for an event. */
export const keyPrefix = (consumer: string, { position }: StoredEvent): string => `${consumer}/${position}/`;

/**
 * The transaction as the handler of an event gets it: what it writes names the event as its cause, and has a key, so that an
 * event that is handled again stores nothing twice.
 *
 * @param findCauseless - finds the keys, of those that a write gives, under which its stream has events that do not name it
 */
export function causedBy(
  event: StoredEvent,
  consumer: string,
  tx: Transaction,
  findCauseless: FindCauseless | undefined,
): Transaction {
  const prefix = keyPrefix(consumer, event);
  let count = 0;
  const keyedEvent = (candidate: unknown): unknown => {
    if (typeof candidate !== "object" || candidate === null) return candidate;
    count += 1;
    const { idempotencyKey = `${prefix}${count}` } = candidate as Candidate;
    return { ...candidate, idempotencyKey };
  };
  const causedEvent = (candidate: unknown, causeless: ReadonlySet<string>): unknown => {
    if (typeof candidate !== "object" || candidate === null) return candidate;
    const { idempotencyKey = "", metadata } = candidate as Candidate;
    // What is no metadata is refused by the write.
    const isMetadata = metadata === undefined || metadata === null || isPlainObject(metadata);
    if (causeless.has(idempotencyKey) || !isMetadata) return candidate;
    return { ...candidate, metadata: { ...causes(event), ...metadata } };
  };
  const isOwnKey = (key: unknown): key is string => typeof key === "string" && key.startsWith(prefix);
  // The events stay what they are; only fields that are absent are added.
  const write = (streamId: string, events: unknown, options?: object): Promise<WriteResult> => {
    const keyed = (Array.isArray(events) ? events : [events]).map(keyedEvent);
    const store = (causeless: ReadonlySet<string>): Promise<WriteResult> => {
      const caused = keyed.map((candidate) => causedEvent(candidate, causeless));
      const writeIn = tx.write.bind(tx) as (id: string, events: unknown, options?: object) => Promise<WriteResult>;
      return writeIn(streamId, Array.isArray(events) ? caused : caused[0], options);
    };
    const keys = keyed.map((candidate) => (candidate as Candidate | null)?.idempotencyKey).filter(isOwnKey);
    // At once where it can: the events are taken as they are now, and before what the handler calls next.
    return findCauseless === undefined || keys.length === 0 ? store(NONE) : findCauseless(streamId, keys).then(store);
  };
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

const NONE: ReadonlySet<string> = new Set();

/** Finds the keys of stored events that do not name their cause. */
type FindCauseless = (streamId: string, keys: readonly string[]) => Promise<ReadonlySet<string>>;

interface Candidate {
  readonly idempotencyKey?: string;
  readonly metadata?: object | null;
}

function causes({ id, metadata }: StoredEvent): JsonObject {
  const correlationId = (metadata as JsonObject | null)?.correlationId;
  return { causationId: id, ...(correlationId === undefined ? {} : { correlationId }) };
}
