import { randomUUID } from "node:crypto";
import { aggregateTypeOf, checkLastSeq, conventionsOf, withoutTransactionId } from "../aggregate.js";
import { checkLoadArgs, checkNewEvent, checkSnapshot } from "../check-event.js";
import { eventValues, INSERT_EVENT, SAVE_SNAPSHOT } from "../event-statements.js";
import type { Event, EventStorePort, LoadArgs, NewEvent, Snapshot } from "../ports.js";
import { DERIVED_TABLES } from "../schema/derived-tables.js";
import { upsertStatements } from "../upsert-statements.js";
import type { DuckDBSession } from "./duckdb-session.js";

interface EventRow {
  readonly id: string;
  readonly aggregate_type: string;
  readonly aggregate_id: string;
  readonly event_type: string;
  readonly event_version: number;
  readonly seq: number;
  readonly tx_id: string;
  readonly caused_by_event_id: string | null;
  readonly payload_json: string;
  readonly metadata_json: string | null;
  readonly created_at: string;
}

interface SnapshotRow {
  readonly last_seq: number;
  readonly state_json: string;
  readonly created_at: string;
}

/** The log is the table `events`. */
export class DuckDBEventStore implements EventStorePort {
  readonly #session: DuckDBSession;

  constructor(session: DuckDBSession) {
    this.#session = session;
  }

  async append(newEvent: NewEvent): Promise<Event> {
    checkNewEvent(newEvent);
    const { aggregateId, eventType, payload, metadata = null } = newEvent;
    const { transactionId, causationId = null, schemaVersion = 1 } = conventionsOf(newEvent);
    // Between the reading of the last number and the next one's use no other append may come.
    return this.#session.transaction((tx) =>
      tx.inTurn(async () => {
        const event: Event = {
          id: randomUUID(),
          aggregateType: aggregateTypeOf(aggregateId),
          aggregateId,
          eventType,
          eventVersion: schemaVersion,
          seq: (await this.#lastSeq(aggregateId)) + 1,
          txId: transactionId ?? tx.id,
          causedByEventId: causationId,
          payload: structuredClone(payload),
          metadata: withoutTransactionId(metadata),
          createdAt: new Date().toISOString(),
        };
        await this.#session.all(INSERT_EVENT, eventValues(event));
        await this.#derive(event);
        return event;
      }),
    );
  }

  async load(args: LoadArgs): Promise<Event[]> {
    checkLoadArgs(args);
    const { aggregateId, afterSeq = 0, limit } = args;
    const page = limit === undefined ? "" : " LIMIT ?";
    const rows = await this.#session.all<EventRow>(
      `SELECT * FROM events WHERE aggregate_id = ? AND seq > ? ORDER BY seq${page}`,
      [aggregateId, afterSeq, ...(limit === undefined ? [] : [limit])],
    );
    return rows.map(eventOf);
  }

  async latestSnapshot({ aggregateId }: { readonly aggregateId: string }): Promise<Snapshot | null> {
    checkLoadArgs({ aggregateId });
    const [row] = await this.#session.all<SnapshotRow>(
      "SELECT last_seq, state_json, created_at FROM snapshots WHERE aggregate_id = ?",
      [aggregateId],
    );
    if (row === undefined) return null;
    return { aggregateId, lastSeq: row.last_seq, state: JSON.parse(row.state_json), createdAt: row.created_at };
  }

  async saveSnapshot(snapshot: Omit<Snapshot, "createdAt">): Promise<void> {
    checkSnapshot(snapshot);
    const { aggregateId, lastSeq, state } = snapshot;
    await this.#session.transaction(async () => {
      checkLastSeq(aggregateId, lastSeq, await this.#lastSeq(aggregateId));
      const createdAt = new Date().toISOString();
      const values = [
        randomUUID(),
        aggregateTypeOf(aggregateId),
        aggregateId,
        lastSeq,
        JSON.stringify(state),
        createdAt,
      ];
      await this.#session.all(SAVE_SNAPSHOT, values);
    });
  }

  async #lastSeq(aggregateId: string): Promise<number> {
    const sql = "SELECT coalesce(max(seq), 0) AS seq FROM events WHERE aggregate_id = ?";
    const [row] = await this.#session.all<{ seq: number }>(sql, [aggregateId]);
    return row?.seq ?? 0;
  }

  /** Keeps the derived tables up to date, in the transaction of the event. */
  async #derive({ eventType, payload, createdAt }: Event): Promise<void> {
    for (const { name, setBy, removedBy, row } of DERIVED_TABLES) {
      if (eventType === removedBy) await this.#session.all(`DELETE FROM "${name}" WHERE id = ?`, [payload.id]);
      if (eventType !== setBy) continue;
      for (const { text, values } of upsertStatements({ table: name, rows: [row(payload, createdAt)] }, ["id"], 1)) {
        await this.#session.all(text, values);
      }
    }
  }
}

function eventOf(row: EventRow): Event {
  return {
    id: row.id,
    aggregateType: row.aggregate_type,
    aggregateId: row.aggregate_id,
    eventType: row.event_type,
    eventVersion: row.event_version,
    seq: row.seq,
    txId: row.tx_id,
    causedByEventId: row.caused_by_event_id,
    payload: JSON.parse(row.payload_json),
    metadata: row.metadata_json === null ? null : JSON.parse(row.metadata_json),
    createdAt: row.created_at,
  };
}
