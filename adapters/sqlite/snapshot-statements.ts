import {
  type EncodedState,
  type Snapshot,
  type SnapshotQuery,
  type SnapshotRetention,
  StorageError,
} from "../../protocols/index.js";
import { snapshotChecksum } from "./checksum.js";
import type { SQLiteConnection } from "./drivers/driver.js";
import { SCHEMA_VERSION } from "./open/schema.js";
import { inTransaction } from "./transaction/transaction.js";

const SAVE = `
  INSERT INTO es_snapshots (stream, projection, version, timestamp, schema, codec, state, checksum)
  VALUES (?1, ?2, ?3, ?4, ${SCHEMA_VERSION}, ?5, ?6, ?7)
  ON CONFLICT (stream, projection, version)
  DO UPDATE SET timestamp = excluded.timestamp, schema = excluded.schema, codec = excluded.codec,
                state = excluded.state, checksum = excluded.checksum`;

// Without the addition the driver's binding would have SQLite compile the statement anew each time.
const REMOVE_OLDER = `
  DELETE FROM es_snapshots
  WHERE stream = ?1 AND projection = ?2
    AND version < (SELECT version FROM es_snapshots WHERE stream = ?1 AND projection = ?2
                   ORDER BY version DESC LIMIT 1 OFFSET ?3 + 0)`;

const LOAD = `
  SELECT version, timestamp, schema, codec, state, checksum FROM es_snapshots
  WHERE stream = ?1 AND projection = ?2 AND version <= ?3
  ORDER BY version DESC LIMIT 1`;

/** Saves a snapshot; with `keep`, also removes all but the newest so many of its projection. */
export async function saveSnapshot(
  connection: SQLiteConnection,
  snapshot: Snapshot<EncodedState>,
  { keep }: SnapshotRetention,
): Promise<void> {
  if (keep === undefined) return insert(connection, snapshot);
  await inTransaction(connection, async () => {
    await insert(connection, snapshot);
    await connection.run(REMOVE_OLDER, [snapshot.streamId, snapshot.projection, keep - 1]);
  });
}

async function insert(connection: SQLiteConnection, snapshot: Snapshot<EncodedState>): Promise<void> {
  const { streamId, projection, version, timestamp, state } = snapshot;
  const bytes = Buffer.from(state.bytes.buffer, state.bytes.byteOffset, state.bytes.byteLength);
  const checksum = snapshotChecksum(snapshot);
  await connection.run(SAVE, [streamId, projection, version, timestamp.getTime(), state.codec, bytes, checksum]);
}

export async function loadSnapshot(
  connection: SQLiteConnection,
  { streamId, projection, atOrBefore = Number.MAX_SAFE_INTEGER }: SnapshotQuery,
): Promise<Snapshot<EncodedState> | null> {
  type Row = { version: number; timestamp: number; schema: number; codec: string; state: Uint8Array; checksum: number };
  const [row] = await connection.all<Row>(LOAD, [streamId, projection, atOrBefore]);
  if (row === undefined) return null;
  const state = { codec: row.codec, bytes: new Uint8Array(row.state) };
  const snapshot = { streamId, projection, version: row.version, timestamp: new Date(row.timestamp), state };
  if (snapshotChecksum(snapshot, row.schema) === row.checksum) return snapshot;
  const message =
    `Cannot load the snapshot "${projection}" of stream "${streamId}" at ${row.version}: it is damaged. ` +
    "Rebuild the state from the events and save it again.";
  throw new StorageError("STORAGE_CORRUPT", message);
}
