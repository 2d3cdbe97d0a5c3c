import type { NewEvent } from "../../../protocols/index.js";
import { contentChecksum, placeChecksumSQL } from "../checksum.js";
import type { ClientValue, PostgresConnection, PreparedStatement } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { bytesArray, bytesOf, jsonTextsOf, plainArray } from "../sql-text.js";
import { unconfirmed } from "../transaction/writer.js";
import type { CallAnswer, CallMember, CallSettings, StoredPart } from "./append-call.js";
import { contentOf, contentsOf } from "./event-content.js";
import { NEXT_TRANSACTION } from "./known-functions.js";
import type { KnownCall, KnownStream } from "./known-streams.js";

/** A prepared statement without its values. */
type StatementText = Pick<PreparedStatement, "name" | "text">;

/** The number of the transaction that follows the one which has stored an event, if no other one comes in between. */
interface NextTransaction {
  readonly connection: PostgresConnection;
  /** Of that event. */
  readonly position: number;
  readonly transaction: string | null;
}

/**
 * Stores members whose streams this process knows: the server looks only for what others have appended since: see
 * `createKnownFunctions`.
 */
export class KnownAppend {
  readonly #channel: string;
  // Made once, and not for each call.
  readonly #one: StatementText;
  readonly #many: StatementText;
  /** What the last call has told. */
  #next: NextTransaction | undefined;

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
    const { name, text } = events.length === 1 ? this.#one : this.#many;
    const values: ClientValue[] = [
      known.last.position,
      bytesOf(known.last.id),
      settings.history.table,
      known.asOf,
      settings.notify ? this.#channel : null,
      settings.timestampMs,
    ];
    if (events.length === 1 && first !== undefined) addOne(values, first, settings);
    else values.push(...manyValues(events, settings));
    // Twice where a stream is in several parts, with the same position.
    values.push(plainArray(known.streams.map(({ number }) => number)));
    values.push(plainArray(known.streams.map(({ position }) => position)));
    values.push(this.#nextTransaction(connection, known));
    const { rows, hasWarning } = await connection.call({ name, text, values });
    if (hasWarning) throw unconfirmed();
    const [row] = rows;
    if (row === undefined) return undefined;
    const position = Number(row[0]);
    this.#next = { connection, position, transaction: row[1] ?? null };
    return answerOf(members, known, position - events.length);
  }

  /** The number that the transaction of this call is given if nothing has changed since the last one: see the function. */
  #nextTransaction(connection: PostgresConnection, { last, asOf }: KnownCall): string | null {
    const next = this.#next;
    // On another connection, the numbers may be those of another server.
    if (next === undefined || next.connection !== connection) return null;
    return next.position === last.position && asOf === last.position ? next.transaction : null;
  }
}

function answerOf(members: readonly CallMember[], { streams }: KnownCall, previousPosition: number): CallAnswer {
  let position = previousPosition;
  const heads = new Map<number, number>();
  const stored: StoredPart[] = [];
  for (const { parts } of members) {
    for (const { events } of parts) {
      const { number, version, position: before } = streams[stored.length] as KnownStream;
      stored.push({ version, head: heads.get(number) ?? before, firstPosition: position + 1 });
      position += events.length;
      heads.set(number, position);
    }
  }
  return { previousPosition, parts: stored };
}

/** An event, with its place in its stream. */
interface EventToStore {
  readonly event: NewEvent;
  readonly streamId: string;
  readonly stream: number;
  readonly version: number;
}

function eventsOf(members: readonly CallMember[], { streams }: KnownCall): readonly EventToStore[] {
  const stored: EventToStore[] = [];
  let part = 0;
  for (const { parts } of members) {
    for (const { streamId, events } of parts) {
      let { number: stream, version } = streams[part++] as KnownStream;
      for (const event of events) stored.push({ event, streamId, stream, version: ++version });
    }
  }
  return stored;
}

function checksumOf({ event, streamId }: EventToStore, { timestampMs }: CallSettings): number {
  return contentChecksum(event, streamId, timestampMs);
}

const COLUMNS = "position, stream, version, timestamp, schema, type, id, key, data, bytes, metadata, checksum";

// A transaction that is given its number before it has the lock, by a trigger of the application's, does not learn from it what
// others have committed while it waited for the lock.
const EXPECTED_TRANSACTION = "CASE WHEN pg_current_xact_id_if_assigned() IS NULL THEN $17::xid8 END";

const lastSQL = ({ prefix }: StoreNames): string =>
  `${prefix}es_last_if_known(${EXPECTED_TRANSACTION}, $1::bigint, $2::bytea, $3::oid, $4::bigint, $15::text, $16::text)`;

const NOTIFY = "CASE WHEN $5::text IS NOT NULL THEN pg_notify($5";

function oneSQL(names: StoreNames): string {
  return `
    INSERT INTO ${names.prefix}es_events (${COLUMNS})
    SELECT last + 1, $7::bigint, $8::bigint, $6::bigint, 1, $9::bytea, $10::bytea, NULL, $11::text, $12::bytea, $13::text,
           $14::int # ${placeChecksumSQL("last + 1", "$8::bigint")}
    FROM (SELECT ${lastSQL(names)} AS last OFFSET 0) known WHERE last IS NOT NULL
    RETURNING position, ${NEXT_TRANSACTION}, ${NOTIFY}, position::text) END`;
}

function addOne(values: ClientValue[], stored: EventToStore, settings: CallSettings): void {
  const { event, stream, version } = stored;
  values.push(stream, version, bytesOf(event.type), bytesOf(event.id));
  values.push(...contentOf(event), checksumOf(stored, settings));
}

function manySQL(names: StoreNames): string {
  return `
    WITH known AS MATERIALIZED (SELECT ${lastSQL(names)} AS last), stored AS (
      INSERT INTO ${names.prefix}es_events (${COLUMNS})
      SELECT last + o, stream, version, $6::bigint, 1, type, id, NULL, data, bytes, metadata,
             checksum # ${placeChecksumSQL("last + o", "version")}
      FROM known CROSS JOIN
        unnest($7::bigint[], $8::bigint[], $9::bytea[], $10::bytea[], ${jsonTextsOf("$11")}, $12::bytea[], ${jsonTextsOf("$13")}, $14::int[])
        WITH ORDINALITY AS e(stream, version, type, id, data, bytes, metadata, checksum, o)
      WHERE last IS NOT NULL
      RETURNING position
    )
    SELECT max(position), ${NEXT_TRANSACTION}, ${NOTIFY}, max(position)::text) END FROM stored HAVING count(*) > 0`;
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
