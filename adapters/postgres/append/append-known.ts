import type { NewEvent } from "../../../protocols/index.js";
import { contentChecksum, placeChecksumSQL } from "../checksum.js";
import type { ClientValue, PostgresConnection, PreparedStatement } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { bytesArray, bytesOf, jsonTextsOf, plainArray } from "../sql-text.js";
import { unconfirmed } from "../transaction/writer.js";
import type { CallAnswer, CallMember, CallSettings, StoredPart } from "./append-call.js";
import { contentOf, contentsOf } from "./event-content.js";
import type { KnownCall, KnownStream } from "./known-streams.js";

/** A prepared statement without its values. */
type StatementText = Pick<PreparedStatement, "name" | "text">;

/**
 * Stores members whose streams this process knows: the server looks only for what others have appended since: see
 * `createKnownFunctions`.
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
    const { name, text } = events.length === 1 ? this.#one : this.#many;
    const values: ClientValue[] = [
      known.last.position,
      bytesOf(known.last.id),
      settings.history.table,
      known.asOf,
      settings.notify ? this.#channel : null,
      settings.timestampMs,
    ];
    if (events.length === 1 && first !== undefined) addOne(values, first, known, settings);
    else values.push(...manyValues(events, known, settings));
    const { rows, hasWarning } = await connection.call({ name, text, values });
    if (hasWarning) throw unconfirmed();
    const [row] = rows;
    return row === undefined ? undefined : answerOf(members, known, Number(row[0]) - events.length);
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

const lastSQL = ({ prefix }: StoreNames, streams: string, positions: string): string =>
  `${prefix}es_known_last($1::bigint, $2::bytea, $3::oid, $4::bigint, ${streams}, ${positions})`;

const NOTIFY = "CASE WHEN $5::text IS NOT NULL THEN pg_notify($5";

function oneSQL(names: StoreNames): string {
  return `
    INSERT INTO ${names.prefix}es_events (${COLUMNS})
    SELECT last + 1, $7::bigint, $8::bigint, $6::bigint, 1, $9::bytea, $10::bytea, NULL, $11::text, $12::bytea, $13::text,
           $14::int # ${placeChecksumSQL("last + 1", "$8::bigint")}
    FROM (SELECT ${lastSQL(names, "ARRAY[$7::bigint]", "ARRAY[$15::bigint]")} AS last OFFSET 0) known WHERE last IS NOT NULL
    RETURNING position, ${NOTIFY}, position::text) END`;
}

function addOne(values: ClientValue[], stored: EventToStore, { streams }: KnownCall, settings: CallSettings): void {
  const { event, stream, version } = stored;
  values.push(stream, version, bytesOf(event.type), bytesOf(event.id));
  values.push(...contentOf(event), checksumOf(stored, settings), streams[0]?.position ?? 0);
}

function manySQL(names: StoreNames): string {
  return `
    WITH known AS MATERIALIZED (SELECT ${lastSQL(names, "$15::bigint[]", "$16::bigint[]")} AS last), stored AS (
      INSERT INTO ${names.prefix}es_events (${COLUMNS})
      SELECT last + o, stream, version, $6::bigint, 1, type, id, NULL, data, bytes, metadata,
             checksum # ${placeChecksumSQL("last + o", "version")}
      FROM known CROSS JOIN
        unnest($7::bigint[], $8::bigint[], $9::bytea[], $10::bytea[], ${jsonTextsOf("$11")}, $12::bytea[], ${jsonTextsOf("$13")}, $14::int[])
        WITH ORDINALITY AS e(stream, version, type, id, data, bytes, metadata, checksum, o)
      WHERE last IS NOT NULL
      RETURNING position
    )
    SELECT max(position), ${NOTIFY}, max(position)::text) END FROM stored HAVING count(*) > 0`;
}

function manyValues(
  stored: readonly EventToStore[],
  { streams }: KnownCall,
  settings: CallSettings,
): readonly ClientValue[] {
  const events = stored.map(({ event }) => event);
  // Twice where a stream is in several parts, with the same position.
  return [
    plainArray(stored.map(({ stream }) => stream)),
    plainArray(stored.map(({ version }) => version)),
    bytesArray(events.map(({ type }) => type)),
    bytesArray(events.map(({ id }) => id)),
    ...contentsOf(events),
    plainArray(stored.map((event) => checksumOf(event, settings))),
    plainArray(streams.map(({ number }) => number)),
    plainArray(streams.map(({ position }) => position)),
  ];
}
