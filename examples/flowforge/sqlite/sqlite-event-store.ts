import { randomUUID } from "node:crypto";
import { rawSQL, type StoredEvent, type Transaction } from "async-streams";
import { aggregateTypeOf, checkLastSeq, conventionsOf, withoutTransactionId } from "../aggregate.js";
import { checkLoadArgs, checkNewEvent, checkSnapshot } from "../check-event.js";
import { eventValues, INSERT_EVENT, SAVE_SNAPSHOT } from "../event-statements.js";
import type { Event, EventStorePort, LoadArgs, NewEvent, Snapshot } from "../ports.js";
import type { SQLiteSession } from "./sqlite-session.js";

interface SnapshotRow {
  readonly last_seq: number;
  readonly state_json: string;
  readonly created_at: string;
}

/** An aggregate is a stream of async-streams, and `seq` its version. The table `events` is written in the same transaction. */
export class SQLiteEventStore implements EventStorePort {
  readonly #session: SQLiteSession;

  constructor(session: SQLiteSession) {
    this.#session = session;
  }

  async append(event: NewEvent): Promise<Event> {
    checkNewEvent(event);
    const { aggregateId, eventType, payload, metadata = {} } = event;
    const { transactionId } = conventionsOf(event);
    return this.#session.transaction(async (tx) => {
      const { version } = await tx.write(aggregateId, {
        type: eventType,
        data: payload as never,
        metadata: { ...metadata, ...(transactionId !== undefined && { transactionId }) } as never,
      });
      const stored = await readOne(tx, aggregateId, version);
      await tx.sql.run(rawSQL(INSERT_EVENT, eventValues(stored)));
      return stored;
    });
  }

  async load(args: LoadArgs): Promise<Event[]> {
    checkLoadArgs(args);
    const { aggregateId, afterSeq = 0, limit } = args;
    const options = { after: afterSeq, ...(limit !== undefined && { limit }) };
    const { current, streams } = this.#session;
    if (current !== undefined) return eventsOf(current.read(aggregateId, options));
    await using stream = await streams.openStream(aggregateId);
    // A window may ask for what is after any number. The store would warn of each as if it had lost events.
    return afterSeq >= stream.version ? [] : await eventsOf(stream.read(options));
  }

  async latestSnapshot({ aggregateId }: { readonly aggregateId: string }): Promise<Snapshot | null> {
    checkLoadArgs({ aggregateId });
    const statement = rawSQL("SELECT last_seq, state_json, created_at FROM snapshots WHERE aggregate_id = ?", [
      aggregateId,
    ]);
    const { current, streams } = this.#session;
    const [row] =
      current === undefined
        ? await streams.query<SnapshotRow>(statement)
        : await current.sql.all<SnapshotRow>(statement);
    if (row === undefined) return null;
    return { aggregateId, lastSeq: row.last_seq, state: JSON.parse(row.state_json), createdAt: row.created_at };
  }

  // A snapshot of the library cannot be saved in a transaction, and the port may be called in one.
  async saveSnapshot(snapshot: Omit<Snapshot, "createdAt">): Promise<void> {
    checkSnapshot(snapshot);
    const { aggregateId, lastSeq, state } = snapshot;
    await this.#session.transaction(async (tx) => {
      checkLastSeq(aggregateId, lastSeq, await tx.version(aggregateId));
      const createdAt = new Date().toISOString();
      const values = [
        randomUUID(),
        aggregateTypeOf(aggregateId),
        aggregateId,
        lastSeq,
        JSON.stringify(state),
        createdAt,
      ];
      await tx.sql.run(rawSQL(SAVE_SNAPSHOT, values));
    });
  }
}

async function readOne(tx: Transaction, aggregateId: string, version: number): Promise<Event> {
  const [event] = await eventsOf(tx.read(aggregateId, { after: version - 1, upTo: version }));
  if (event === undefined) throw new Error(`Event ${version} of ${aggregateId} was written and is not there.`);
  return event;
}

async function eventsOf(stored: AsyncIterable<StoredEvent>): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of stored) events.push(eventOf(event));
  return events;
}

function eventOf({ id, streamId, type, version, metadata, data, timestamp }: StoredEvent): Event {
  const { transactionId = id, causationId = null, schemaVersion = 1 } = conventionsOf({ metadata: metadata ?? {} });
  return {
    id,
    aggregateType: aggregateTypeOf(streamId),
    aggregateId: streamId,
    eventType: type,
    eventVersion: schemaVersion,
    seq: version,
    txId: transactionId,
    causedByEventId: causationId,
    payload: data as Event["payload"],
    metadata: withoutTransactionId(metadata),
    createdAt: timestamp.toISOString(),
  };
}
