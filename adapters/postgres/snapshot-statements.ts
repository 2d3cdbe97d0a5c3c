import type { EncodedState, Snapshot, SnapshotQuery, SnapshotRetention } from "../../protocols/index.js";
import type { PostgresConnection } from "./client/client.js";
import { SCHEMA_VERSION, type StoreNames } from "./open/schema.js";
import { bytesOf } from "./sql-text.js";

const KEY = "stream_hash = sha256($1::bytea) AND projection_hash = sha256($2::bytea)";

/**
 * Saves a snapshot; with `keep`, also removes all but the newest so many of its projection. It may be done twice. The
 * connection is one that otherwise only reads.
 */
export async function saveSnapshot(
  connection: PostgresConnection,
  { prefix }: StoreNames,
  { streamId, projection, version, timestamp, state }: Snapshot<EncodedState>,
  { keep }: SnapshotRetention,
): Promise<void> {
  await connection.script("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
  try {
    await connection.query({
      text: `
        INSERT INTO ${prefix}es_snapshots (stream_hash, projection_hash, version, timestamp, schema, codec, state)
        VALUES (sha256($1::bytea), sha256($2::bytea), $3, $4, ${SCHEMA_VERSION}, $5, $6)
        ON CONFLICT (stream_hash, projection_hash, version) DO UPDATE
        SET timestamp = excluded.timestamp, schema = excluded.schema, codec = excluded.codec, state = excluded.state`,
      values: [bytesOf(streamId), bytesOf(projection), version, timestamp.getTime(), state.codec, state.bytes],
    });
    if (keep !== undefined) {
      await connection.query({
        text: `
          DELETE FROM ${prefix}es_snapshots WHERE ${KEY} AND version < (
            SELECT version FROM ${prefix}es_snapshots WHERE ${KEY} ORDER BY version DESC LIMIT 1 OFFSET $3::bigint)`,
        values: [bytesOf(streamId), bytesOf(projection), keep - 1],
      });
    }
    await connection.script("COMMIT");
  } catch (error) {
    if (connection.isOpen) await connection.script("ROLLBACK").catch(() => connection.destroy());
    throw error;
  }
}

export async function loadSnapshot(
  connection: PostgresConnection,
  { prefix }: StoreNames,
  { streamId, projection, atOrBefore = Number.MAX_SAFE_INTEGER }: SnapshotQuery,
): Promise<Snapshot<EncodedState> | null> {
  const { rows } = await connection.query<{ version: number; timestamp: number; codec: string; state: string }>({
    text: `SELECT version, timestamp, codec, state FROM ${prefix}es_snapshots
           WHERE ${KEY} AND version <= $3::bigint ORDER BY version DESC LIMIT 1`,
    values: [bytesOf(streamId), bytesOf(projection), atOrBefore],
  });
  const [row] = rows;
  if (row === undefined) return null;
  const state = { codec: row.codec, bytes: new Uint8Array(Buffer.from(row.state.slice(2), "hex")) };
  return { streamId, projection, version: row.version, timestamp: new Date(row.timestamp), state };
}
