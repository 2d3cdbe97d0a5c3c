import type { NewEvent } from "../../../protocols/index.js";
import { contentChecksum, placeChecksum } from "../checksum.js";
import type { ClientValue, PostgresConnection, PreparedStatement } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { bytesArray, bytesOf, joinedJson, jsonTextsOf, plainArray, quoteText, unlessEmpty } from "../sql-text.js";
import { unconfirmed } from "../transaction/writer.js";
import type { CallAnswer, CallMember, CallSettings, StoredPart } from "./append-call.js";
import type { KnownCall, KnownStream } from "./known-streams.js";

/** A prepared statement without its values. */
type StatementText = Pick<PreparedStatement, "name" | "text">;

/**
 * Stores members whose streams this process knows: nothing but the last event is looked for, which shows whether others have
 * appended. One statement takes the lock, the next one sees what was committed before.
 */
export class KnownAppend {
  readonly #channel: string;
  readonly #lock: PreparedStatement;
  // Made once, and not for each call.
  readonly #one: StatementText;
  readonly #many: StatementText;

  constructor(names: StoreNames) {
    this.#channel = names.channel;
    this.#lock = { name: "es_lock", text: "SELECT pg_advisory_xact_lock($1::bigint)", values: [names.lockKey] };
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
    const { rows, hasWarning } = await connection.batch([this.#lock, statement]);
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
 * What must be so: `$1` and `$2` are the position and the id of the last event, and no later position was skipped; and `$3` is
 * the number of the table, which is another once a dump was restored.
 */
function conditionSQL({ prefix }: StoreNames): string {
  return `
    WHERE (SELECT id FROM (SELECT position, id FROM ${prefix}es_events ORDER BY position DESC LIMIT 1) l
           WHERE position = $1::bigint) = $2::bytea
      AND NOT EXISTS (SELECT FROM ${prefix}es_counters WHERE name = 'position' AND value > $1)
      AND ${quoteText(`${prefix}es_store`)}::regclass = $3::oid
      AND current_setting('transaction_isolation') = 'read committed'`;
}

function oneSQL(names: StoreNames): string {
  return `
    INSERT INTO ${names.prefix}es_events (${COLUMNS})
    SELECT $1::bigint + 1, $6::bigint, $7::bigint, $5::bigint, 1, $8::bytea, $9::bytea, NULL, $10::text, $11::bytea, $12::text, $13::int
    ${conditionSQL(names)}
    RETURNING CASE WHEN $4::text IS NOT NULL THEN pg_notify($4, position::text) END`;
}

function oneValues(stored: EventToStore, settings: CallSettings): readonly ClientValue[] {
  const { event, stream, version } = stored;
  const { id, type, data, metadata } = event;
  return [
    stream,
    version,
    bytesOf(type),
    bytesOf(id),
    typeof data === "string" ? data : null,
    typeof data === "string" ? null : data,
    metadata,
    checksumOf(stored, settings),
  ];
}

function manySQL(names: StoreNames): string {
  return `
    WITH stored AS (
      INSERT INTO ${names.prefix}es_events (${COLUMNS})
      SELECT $1::bigint + o, stream, version, $5::bigint, 1, type, id, NULL, data, bytes, metadata, checksum
      FROM unnest($6::bigint[], $7::bigint[], $8::bytea[], $9::bytea[], ${jsonTextsOf("$10")}, $11::bytea[], ${jsonTextsOf("$12")}, $13::int[])
        WITH ORDINALITY AS e(stream, version, type, id, data, bytes, metadata, checksum, o)
      ${conditionSQL(names)}
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
    unlessEmpty(
      events.map(({ data }) => (typeof data === "string" ? data : null)),
      joinedJson,
    ),
    unlessEmpty(
      events.map(({ data }) => (typeof data === "string" ? null : data)),
      bytesArray,
    ),
    unlessEmpty(
      events.map(({ metadata }) => metadata),
      joinedJson,
    ),
    plainArray(stored.map((event) => checksumOf(event, settings))),
  ];
}
