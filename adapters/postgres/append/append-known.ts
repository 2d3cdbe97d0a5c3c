import type { NewEvent } from "../../../protocols/index.js";
import { contentChecksum, placeChecksum } from "../checksum.js";
import type { ClientValue, PostgresConnection, PreparedStatement } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { bytesArray, bytesOf, jsonTextsOf, plainArray, quoteText } from "../sql-text.js";
import { unconfirmed } from "../transaction/writer.js";
import type { CallAnswer, CallMember, CallSettings, StoredPart } from "./append-call.js";
import { contentOf, contentsOf } from "./event-content.js";
import type { KnownCall, KnownStream } from "./known-streams.js";

/** A prepared statement without its values. */
type StatementText = Pick<PreparedStatement, "name" | "text">;

/**
 * Stores members whose streams this process knows: nothing but the last event is looked for, which shows whether others have
 * appended: see {@link createIsLastFunction}.
 */
export class KnownAppend {
  readonly #channel: string;
  // Made once, and not for each call.
  readonly #one: StatementText;
  readonly #many: StatementText;

  constructor(names: StoreNames) {
    this.#channel = names.channel;
    this.#one = { name: "es_append_known_one", text: oneSQL(names) };
    this.#many = { name: "es_append_known", text: manySQL(names) };
  }

  /** @returns undefined where nothing was stored */
  async store(
    connection: PostgresConnection,
    members: readonly CallMember[],
    known: KnownCall,
    settings: CallSettings,
  ): Promise<CallAnswer | undefined> {
    const events = eventsOf(members, known);
    const [first] = events;
    const common = [
      known.last.position,
      bytesOf(known.last.id),
      settings.history.table,
      settings.notify ? this.#channel : null,
      settings.timestampMs,
    ];
    const statement =
      events.length === 1 && first !== undefined
        ? { ...this.#one, values: [...common, ...oneValues(first, settings)] }
        : { ...this.#many, values: [...common, ...manyValues(events, settings)] };
    const { rows, hasWarning } = await connection.call(statement);
    if (hasWarning) throw unconfirmed();
    return rows.length === 0 ? undefined : answerOf(members, known);
  }
}

function answerOf(members: readonly CallMember[], { last, streams }: KnownCall): CallAnswer {
  let position = last.position;
  const parts = members.flatMap((member) => member.parts);
  const stored = parts.map(({ events }, index): StoredPart => {
    const { version, position: head } = streams[index] as KnownStream;
    const part = { version, head, firstPosition: position + 1 };
    position += events.length;
    return part;
  });
  return { previousPosition: last.position, parts: stored };
}

/** An event with its place. */
interface EventToStore {
  readonly event: NewEvent;
  readonly streamId: string;
  readonly stream: number;
  readonly version: number;
  readonly position: number;
}

function eventsOf(members: readonly CallMember[], { last, streams }: KnownCall): readonly EventToStore[] {
  const found: EventToStore[] = [];
  let number = 0;
  for (const { parts } of members) {
    for (const { streamId, events } of parts) {
      const { number: stream, version } = streams[number] as KnownStream;
      number += 1;
      for (const [index, event] of events.entries()) {
        const position = last.position + found.length + 1;
        found.push({ event, streamId, stream, version: version + index + 1, position });
      }
    }
  }
  return found;
}

function checksumOf({ event, streamId, version, position }: EventToStore, { timestampMs }: CallSettings): number {
  return contentChecksum(event, streamId, timestampMs) ^ placeChecksum(position, version);
}

const COLUMNS = "position, stream, version, timestamp, schema, type, id, key, data, bytes, metadata, checksum";

/**
 * The function that takes the lock of writers, and answers whether an event still is the last one. It is not a statement of its
 * own: the server would hold the lock until the next one has arrived, which a process that is stopped meanwhile would not send.
 * And it is not a part of that statement, which sees what was committed before the lock was asked for.
 *
 * - `p_position`, `p_id`: of that event; no later position may have been skipped either
 * - `p_table`: the number of the table of the store, which is another once a dump was restored
 */
export function createIsLastFunction({ prefix, lockKey, quote }: StoreNames): string {
  return `
CREATE OR REPLACE FUNCTION ${prefix}es_is_last(p_position bigint, p_id bytea, p_table oid) RETURNS boolean LANGUAGE plpgsql
AS ${quote}
DECLARE
  v_done text;
  v_position bigint;
  v_id bytea;
  v_skipped bigint;
BEGIN
  IF pg_catalog.current_setting('transaction_isolation') <> 'read committed' THEN RETURN false; END IF;
  v_done := pg_catalog.pg_advisory_xact_lock(${lockKey});
  SELECT position, id INTO v_position, v_id FROM ${prefix}es_events ORDER BY position DESC LIMIT 1;
  IF v_position IS DISTINCT FROM p_position OR v_id IS DISTINCT FROM p_id THEN RETURN false; END IF;
  SELECT value INTO STRICT v_skipped FROM ${prefix}es_counters WHERE name = 'position';
  RETURN v_skipped <= p_position AND ${quoteText(`${prefix}es_store`)}::regclass = p_table;
END ${quote};`;
}

const isLastSQL = ({ prefix }: StoreNames): string => `${prefix}es_is_last($1::bigint, $2::bytea, $3::oid)`;

function oneSQL(names: StoreNames): string {
  return `
    INSERT INTO ${names.prefix}es_events (${COLUMNS})
    SELECT $1::bigint + 1, $6::bigint, $7::bigint, $5::bigint, 1, $8::bytea, $9::bytea, NULL, $10::text, $11::bytea, $12::text, $13::int
    WHERE ${isLastSQL(names)}
    RETURNING CASE WHEN $4::text IS NOT NULL THEN pg_notify($4, position::text) END`;
}

function oneValues(stored: EventToStore, settings: CallSettings): readonly ClientValue[] {
  const { event, stream, version } = stored;
  const { id, type } = event;
  return [stream, version, bytesOf(type), bytesOf(id), ...contentOf(event), checksumOf(stored, settings)];
}

function manySQL(names: StoreNames): string {
  return `
    WITH asked AS MATERIALIZED (SELECT ${isLastSQL(names)} AS is_last), stored AS (
      INSERT INTO ${names.prefix}es_events (${COLUMNS})
      SELECT $1::bigint + o, stream, version, $5::bigint, 1, type, id, NULL, data, bytes, metadata, checksum
      FROM unnest($6::bigint[], $7::bigint[], $8::bytea[], $9::bytea[], ${jsonTextsOf("$10")}, $11::bytea[], ${jsonTextsOf("$12")}, $13::int[])
        WITH ORDINALITY AS e(stream, version, type, id, data, bytes, metadata, checksum, o)
      WHERE (SELECT is_last FROM asked)
      RETURNING position
    )
    SELECT CASE WHEN $4::text IS NOT NULL THEN pg_notify($4, max(position)::text) END FROM stored HAVING count(*) > 0`;
}

function manyValues(stored: readonly EventToStore[], settings: CallSettings): readonly ClientValue[] {
  const events = stored.map(({ event }) => event);
  return [
    plainArray(stored.map(({ stream }) => stream)),
    plainArray(stored.map(({ version }) => version)),
    bytesArray(events.map(({ type }) => type)),
    bytesArray(events.map(({ id }) => id)),
    ...contentsOf(events),
    plainArray(stored.map((event) => checksumOf(event, settings))),
  ];
}
