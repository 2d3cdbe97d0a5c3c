import { createHash } from "node:crypto";
import {
  DELETED_EVENT_TYPE,
  type DeleteSnapshotsQuery,
  type EncodedState,
  type Snapshot,
  type SnapshotQuery,
  type SnapshotRetention,
} from "../../protocols/index.js";
import { snapshotChecksum } from "../../src/adapter-kit/checksum.js";
import { type StoredSnapshot, soundSnapshot } from "../../src/adapter-kit/stored-snapshot.js";
import { streamDeleted } from "../../src/adapter-kit/stream-deleted.js";
import type { PostgresConnection } from "./client/client.js";
import { SCHEMA_VERSION, type StoreNames } from "./open/schema.js";
import { bytesLiteral, bytesOf } from "./sql-text.js";

const KEY = "stream_hash = sha256($1::bytea) AND projection_hash = sha256($2::bytea)";

/**
 * Saves a snapshot; with `keep`, also removes all but the newest so many of its projection. It may be done twice. The
 * connection is one that otherwise only reads.
 *
 * @throws StreamDeletedError
 */
export async function saveSnapshot(
  connection: PostgresConnection,
  names: StoreNames,
  snapshot: Snapshot<EncodedState>,
  { keep }: SnapshotRetention,
  location: string,
): Promise<void> {
  const { streamId, projection } = snapshot;
  await inTransaction(connection, `pg_advisory_xact_lock_shared(${lockKey(names, streamId)})`, async () => {
    if (!(await putSnapshot(connection, names, snapshot))) {
      throw streamDeleted(`save a snapshot of stream "${streamId}"`, streamId, location);
    }
    if (keep === undefined) return;
    await connection.query({
      text: `
        DELETE FROM ${names.prefix}es_snapshots WHERE ${KEY} AND version < (
          SELECT version FROM ${names.prefix}es_snapshots WHERE ${KEY} ORDER BY version DESC LIMIT 1 OFFSET $3::bigint)`,
      values: [bytesOf(streamId), bytesOf(projection), keep - 1],
    });
  });
}

/** Stores a snapshot. @returns false for a deleted stream, of which nothing is saved */
export async function putSnapshot(
  connection: PostgresConnection,
  { prefix }: StoreNames,
  snapshot: Snapshot<EncodedState>,
): Promise<boolean> {
  const { streamId, projection, version, timestamp, state } = snapshot;
  const { rowCount } = await connection.query({
    text: `
      INSERT INTO ${prefix}es_snapshots
        (stream_hash, projection_hash, stream, projection, version, timestamp, schema, codec, state, checksum)
      SELECT sha256($1::bytea), sha256($2::bytea), $1, $2, $3::bigint, $4::bigint, ${SCHEMA_VERSION}, $5::text, $6::bytea, $7::int
      WHERE coalesce((
        SELECT type FROM ${prefix}es_events WHERE stream = (SELECT id FROM ${prefix}es_streams WHERE hash = sha256($1::bytea))
        ORDER BY version DESC LIMIT 1), '') <> ${bytesLiteral(DELETED_EVENT_TYPE)}
      ON CONFLICT (stream_hash, projection_hash, version) DO UPDATE
      SET timestamp = excluded.timestamp, schema = excluded.schema, codec = excluded.codec, state = excluded.state,
          checksum = excluded.checksum`,
    values: [
      bytesOf(streamId),
      bytesOf(projection),
      version,
      timestamp.getTime(),
      state.codec,
      state.bytes,
      snapshotChecksum(snapshot, SCHEMA_VERSION),
    ],
  });
  return rowCount > 0;
}

/**
 * Removes snapshots of a stream. The connection is one that otherwise only reads.
 *
 * @returns how many
 */
export async function deleteSnapshots(
  connection: PostgresConnection,
  names: StoreNames,
  query: DeleteSnapshotsQuery,
): Promise<number> {
  return inTransaction(connection, `pg_advisory_xact_lock(${lockKey(names, query.streamId)})`, async () => {
    const { text, values } = ofQuery(names, query);
    return (await connection.query({ text: `DELETE ${text}`, values })).rowCount;
  });
}

/** Counts the snapshots that `deleteSnapshots` would remove. */
export async function countSnapshots(
  connection: PostgresConnection,
  names: StoreNames,
  query: DeleteSnapshotsQuery,
): Promise<number> {
  const { text, values } = ofQuery(names, query);
  const { rows } = await connection.query<{ count: string }>({ text: `SELECT count(*) AS count ${text}`, values });
  return Number(rows[0]?.count);
}

function ofQuery({ prefix }: StoreNames, { streamId, projection, below }: DeleteSnapshotsQuery) {
  return {
    text: `
      FROM ${prefix}es_snapshots
      WHERE stream_hash = sha256($1::bytea) AND ($2::bytea IS NULL OR projection_hash = sha256($2::bytea))
        AND ($3::bigint IS NULL OR version < $3::bigint)`,
    values: [bytesOf(streamId), projection === undefined ? null : bytesOf(projection), below ?? null],
  };
}

/**
 * The key of a lock of the stream's snapshots. Who removes them waits for those that are being saved, so that of a deleted
 * stream none is saved behind the removal.
 */
function lockKey({ lockKey: storeKey }: StoreNames, streamId: string): string {
  return createHash("sha256").update(`${storeKey}:${streamId}`).digest().readBigInt64BE().toString();
}

async function inTransaction<T>(connection: PostgresConnection, lock: string, task: () => Promise<T>): Promise<T> {
  await connection.script(`BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SELECT ${lock}`);
  try {
    const result = await task();
    await connection.script("COMMIT");
    return result;
  } catch (error) {
    if (connection.isOpen) await connection.script("ROLLBACK").catch(() => connection.destroy());
    throw error;
  }
}

/** A snapshot as the server gives it. */
export interface SnapshotRow {
  readonly version: number;
  readonly timestamp: number;
  readonly schema: string;
  readonly codec: string;
  readonly state: string;
  readonly checksum: number;
}

/** @throws StorageError `STORAGE_CORRUPT` when it is damaged */
export async function loadSnapshot(
  connection: PostgresConnection,
  { prefix }: StoreNames,
  { streamId, projection, atOrBefore = Number.MAX_SAFE_INTEGER }: SnapshotQuery,
  location: string,
): Promise<Snapshot<EncodedState> | null> {
  const { rows } = await connection.query<SnapshotRow>({
    text: `SELECT version, timestamp, schema, codec, state, checksum FROM ${prefix}es_snapshots
           WHERE ${KEY} AND version <= $3::bigint ORDER BY version DESC LIMIT 1`,
    values: [bytesOf(streamId), bytesOf(projection), atOrBefore],
  });
  const [row] = rows;
  return row === undefined ? null : soundSnapshot(storedSnapshotOf(streamId, projection, row), location);
}

export function storedSnapshotOf(streamId: string, projection: string, row: SnapshotRow): StoredSnapshot {
  const { version, timestamp, schema, checksum } = row;
  const state = { codec: row.codec, bytes: new Uint8Array(Buffer.from(row.state.slice(2), "hex")) };
  const snapshot = { streamId, projection, version, timestamp: new Date(timestamp), state };
  return { snapshot, schema: Number(schema), checksum };
}
