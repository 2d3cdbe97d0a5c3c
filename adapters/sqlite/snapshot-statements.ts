import type { EncodedState, Snapshot, SnapshotQuery } from "../../protocols/index.js";
import type { SQLiteConnection } from "./driver.js";
import { SCHEMA_VERSION } from "./schema.js";

const SAVE = `
  INSERT INTO snapshots (stream, projection, version, timestamp, schema, codec, state)
  VALUES (?1, ?2, ?3, ?4, ${SCHEMA_VERSION}, ?5, ?6)
  ON CONFLICT (stream, projection, version)
  DO UPDATE SET timestamp = excluded.timestamp, schema = excluded.schema, codec = excluded.codec, state = excluded.state`;

const LOAD = `
  SELECT version, timestamp, codec, state FROM snapshots
  WHERE stream = ?1 AND projection = ?2 AND version <= ?3
  ORDER BY version DESC LIMIT 1`;

export async function saveSnapshot(connection: SQLiteConnection, snapshot: Snapshot<EncodedState>): Promise<void> {
  const { streamId, projection, version, timestamp, state } = snapshot;
  const bytes = Buffer.from(state.bytes.buffer, state.bytes.byteOffset, state.bytes.byteLength);
  await connection.run(SAVE, [streamId, projection, version, timestamp.getTime(), state.codec, bytes]);
}

export async function loadSnapshot(
  connection: SQLiteConnection,
  { streamId, projection, atOrBefore = Number.MAX_SAFE_INTEGER }: SnapshotQuery,
): Promise<Snapshot<EncodedState> | null> {
  type Row = { version: number; timestamp: number; codec: string; state: Uint8Array };
  const [row] = await connection.all<Row>(LOAD, [streamId, projection, atOrBefore]);
  if (row === undefined) return null;
  const state = { codec: row.codec, bytes: new Uint8Array(row.state) };
  return { streamId, projection, version: row.version, timestamp: new Date(row.timestamp), state };
}
