import type {
  ContentsBatch,
  ContentsKeys,
  CopiedEvent,
  CopiedRecord,
  KeptKey,
  PrunedStream,
} from "../../../protocols/index.js";
import { REMOVAL_STEP_EVENTS } from "../../../src/limits.js";
import { contentChecksum, placeChecksum } from "../checksum.js";
import type { PostgresConnection } from "../client/client.js";
import { SCHEMA_VERSION, type StoreNames } from "../open/schema.js";
import { goneFrom, lastGiven } from "../read/stream-figures.js";
import { putSnapshot } from "../snapshot-statements.js";
import { bytesArray, bytesOf, plainArray, textArray } from "../sql-text.js";
import type { PostgresSession } from "../transaction/postgres-session.js";

/** Makes the changes of a batch, in a transaction that holds the lock, if the store ends where the batch begins. */
export async function importContents(
  { connection, head, commits }: PostgresSession,
  names: StoreNames,
  { after, remove = {}, put = {}, figures }: ContentsBatch,
): Promise<boolean> {
  if (head !== after) return false;
  const importing = new Importing(connection, names);
  await importing.removeKeys(remove.keptKeys ?? []);
  await importing.removeRecords(remove.records ?? []);
  for (const snapshot of remove.snapshots ?? []) await importing.removeSnapshot(snapshot);
  await importing.putEvents(put.events ?? []);
  for (const stream of put.prunedStreams ?? []) await importing.raiseFirst(stream);
  await importing.putKeys(put.keptKeys ?? []);
  for (const snapshot of put.snapshots ?? []) await putSnapshot(connection, names, snapshot);
  await importing.putRecords(put.records ?? [], figures?.lastRevision ?? 0);
  if (figures !== undefined) await importing.setPositions(figures.givenPosition);
  if (put.events !== undefined) commits.push({ previousPosition: after, events: put.events });
  return true;
}

/** The number of a stream, by its name: an expression with its table. A scalar, so that each is looked up by its index. */
const idOf = (prefix: string, name: string): string =>
  `(SELECT id FROM ${prefix}es_streams WHERE hash = sha256(${name}))`;

class Importing {
  readonly #connection: PostgresConnection;
  readonly #names: StoreNames;
  readonly #prefix: string;

  constructor(connection: PostgresConnection, names: StoreNames) {
    this.#connection = connection;
    this.#names = names;
    this.#prefix = names.prefix;
  }

  async putEvents(events: readonly CopiedEvent[]): Promise<void> {
    if (events.length === 0) return;
    const prefix = this.#prefix;
    await this.#numberStreams([...new Set(events.map(({ streamId }) => streamId))]);
    const texts = events.map(({ event: { data } }) => (typeof data === "string" ? data : null));
    const binary = events.map(({ event: { data } }) => (typeof data === "string" ? null : data));
    await this.#connection.query({
      name: "es_copy_events",
      text: `
        INSERT INTO ${prefix}es_events
          (position, stream, version, timestamp, schema, type, id, key, data, bytes, metadata, checksum)
        SELECT position, ${idOf(prefix, "e.name")}, version, timestamp, ${SCHEMA_VERSION}, type, id,
               CASE WHEN is_keyed THEN sha256(id) END, data, bytes, metadata, checksum
        FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[], $7::boolean[],
                    $8::text[], $9::bytea[], $10::text[], $11::int[])
          AS e(position, name, version, timestamp, type, id, is_keyed, data, bytes, metadata, checksum)`,
      values: [
        plainArray(events.map(({ position }) => position)),
        bytesArray(events.map(({ streamId }) => streamId)),
        plainArray(events.map(({ version }) => version)),
        plainArray(events.map(({ timestampMs }) => timestampMs)),
        bytesArray(events.map(({ event }) => event.type)),
        bytesArray(events.map(({ event }) => event.id)),
        plainArray(events.map(({ event }) => event.idempotencyKey !== null)),
        textArray(texts),
        bytesArray(binary),
        textArray(events.map(({ event }) => event.metadata)),
        plainArray(events.map(checksumOf)),
      ],
    });
  }

  async #numberStreams(streamIds: readonly string[]): Promise<void> {
    const prefix = this.#prefix;
    await this.#connection.query({
      name: "es_copy_streams",
      text: `
        INSERT INTO ${prefix}es_streams (id, hash, name)
        SELECT (SELECT coalesce(max(id), 0) FROM ${prefix}es_streams) + row_number() OVER (), sha256(name), name
        FROM (SELECT name FROM unnest($1::bytea[]) AS u(name) WHERE ${idOf(prefix, "u.name")} IS NULL) fresh`,
      values: [bytesArray(streamIds)],
    });
  }

  async raiseFirst({ streamId, firstVersion }: PrunedStream): Promise<void> {
    const prefix = this.#prefix;
    const stream = idOf(prefix, "$1::bytea");
    const { rows } = await this.#connection.query<{ first: number }>({
      name: "es_copy_first",
      text: `
        UPDATE ${prefix}es_streams SET first = coalesce((
          SELECT version FROM ${prefix}es_events WHERE stream = ${stream} AND version < $2::bigint
          ORDER BY version OFFSET ${REMOVAL_STEP_EVENTS} LIMIT 1), $2::bigint)
        WHERE hash = sha256($1::bytea) RETURNING first`,
      values: [bytesOf(streamId), firstVersion],
    });
    await this.#connection.query({
      name: "es_copy_removal",
      text: `DELETE FROM ${prefix}es_events WHERE stream = ${stream} AND version < $2::bigint`,
      values: [bytesOf(streamId), rows[0]?.first ?? 0],
    });
  }

  async removeKeys(keys: readonly Pick<KeptKey, "streamId" | "key">[]): Promise<void> {
    if (keys.length === 0) return;
    const prefix = this.#prefix;
    await this.#connection.query({
      text: `
        DELETE FROM ${prefix}es_keys k USING (
          SELECT ${idOf(prefix, "u.name")} AS stream, sha256(id) AS hash FROM unnest($1::bytea[], $2::bytea[]) AS u(name, id)
        ) gone WHERE k.stream = gone.stream AND sha256(k.id) = gone.hash`,
      values: [bytesArray(keys.map(({ streamId }) => streamId)), bytesArray(keys.map(({ key }) => key))],
    });
  }

  async putKeys(keys: readonly KeptKey[]): Promise<void> {
    if (keys.length === 0) return;
    const prefix = this.#prefix;
    await this.#connection.query({
      text: `
        INSERT INTO ${prefix}es_keys (stream, version, position, id)
        SELECT ${idOf(prefix, "u.name")}, version, position, id
        FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bytea[]) AS u(name, version, position, id)
        ON CONFLICT (stream, version) DO UPDATE SET position = excluded.position, id = excluded.id`,
      values: [
        bytesArray(keys.map(({ streamId }) => streamId)),
        plainArray(keys.map(({ version }) => version)),
        plainArray(keys.map(({ position }) => position)),
        bytesArray(keys.map(({ key }) => key)),
      ],
    });
  }

  async removeSnapshot({ streamId, projection, version }: ContentsKeys["snapshots"]): Promise<void> {
    await this.#connection.query({
      text: `DELETE FROM ${this.#prefix}es_snapshots
             WHERE stream_hash = sha256($1::bytea) AND projection_hash = sha256($2::bytea) AND version = $3::bigint`,
      values: [bytesOf(streamId), bytesOf(projection), version],
    });
  }

  async removeRecords(records: readonly Pick<CopiedRecord, "space" | "key">[]): Promise<void> {
    if (records.length === 0) return;
    await this.#connection.query({
      text: `
        DELETE FROM ${this.#prefix}es_records WHERE hash = ANY (
          SELECT sha256(sha256(space) || sha256(key)) FROM unnest($1::bytea[], $2::bytea[]) AS u(space, key))`,
      values: [bytesArray(records.map(({ space }) => space)), bytesArray(records.map(({ key }) => key))],
    });
  }

  async putRecords(records: readonly CopiedRecord[], lastRevision: number): Promise<void> {
    const prefix = this.#prefix;
    await this.#connection.query({
      name: "es_copy_records",
      text: `
        INSERT INTO ${prefix}es_records (hash, space_hash, space, key, revision, value)
        SELECT sha256(sha256(space) || sha256(key)), sha256(space), space, key, revision, value
        FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], $4::text[]) AS u(space, key, revision, value)
        ON CONFLICT (hash) DO UPDATE SET revision = excluded.revision, value = excluded.value`,
      values: [
        bytesArray(records.map(({ space }) => space)),
        bytesArray(records.map(({ key }) => key)),
        plainArray(records.map(({ revision }) => revision)),
        textArray(records.map(({ value }) => value)),
      ],
    });
    await this.#connection.query({
      text: `UPDATE ${prefix}es_counters SET value = greatest(value, $1::bigint) WHERE name = 'revision'`,
      values: [lastRevision],
    });
  }

  // What has no event, and belongs to no removed one, was skipped in the source, or was removed there before it was copied.
  async setPositions(givenPosition: number): Promise<void> {
    const prefix = this.#prefix;
    await this.#connection.query({
      text: `UPDATE ${prefix}es_counters SET value = greatest(value, $1::bigint)
             WHERE name = 'position' AND $1::bigint > (SELECT coalesce(max(position), 0) FROM ${prefix}es_events)`,
      values: [givenPosition],
    });
    await this.#connection.query({
      text: `
        UPDATE ${prefix}es_counters SET value = value + coalesce(${lastGiven(this.#names)}, 0) - ${goneFrom(this.#names)}
          - (SELECT count(*) FROM ${prefix}es_events)
        WHERE name = 'skipped'`,
    });
    await this.#connection.query({
      text: `UPDATE ${prefix}es_counters SET value = greatest(value, 1) WHERE name = 'removal' AND ${goneFrom(this.#names)} > 0`,
    });
  }
}

function checksumOf({ event, streamId, timestampMs, position, version }: CopiedEvent): number {
  return contentChecksum(event, streamId, timestampMs) ^ placeChecksum(position, version);
}
