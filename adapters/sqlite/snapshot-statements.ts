import type {
  DeleteSnapshotsQuery,
  EncodedState,
  Snapshot,
  SnapshotQuery,
  SnapshotRetention,
} from "../../protocols/index.js";
import { snapshotChecksum } from "../../src/adapter-kit/checksum.js";
import { type StoredSnapshot, soundSnapshot } from "../../src/adapter-kit/stored-snapshot.js";
import { streamDeleted } from "../../src/adapter-kit/stream-deleted.js";
import { DELETED_TYPE } from "./append/append-statements.js";
import type { SQLiteConnection, SQLiteValue } from "./drivers/driver.js";
import { SCHEMA_VERSION } from "./open/schema.js";
import { STREAM } from "./read/stream-figures.js";
import { inTransaction } from "./transaction/transaction.js";

const INSERT = `
  INSERT INTO es_snapshots (stream, projection, version, timestamp, schema, codec, state, checksum)
  SELECT ?1, ?2, ?3, ?4, ${SCHEMA_VERSION}, ?5, ?6, ?7`;
const OR_REPLACE = `
  ON CONFLICT (stream, projection, version)
  DO UPDATE SET timestamp = excluded.timestamp, schema = excluded.schema, codec = excluded.codec,
                state = excluded.state, checksum = excluded.checksum`;

// Nothing is saved of a deleted stream.
const SAVE = `${INSERT}
  WHERE ${DELETED_TYPE} IS NULL OR coalesce((
    SELECT type FROM es_events WHERE stream = ${STREAM} ORDER BY version DESC LIMIT 1), 0) <> ${DELETED_TYPE}
  ${OR_REPLACE}`;

const PUT = `${INSERT} WHERE true ${OR_REPLACE}`;

// Without the addition the driver's binding would have SQLite compile the statement anew each time.
const REMOVE_OLDER = `
  DELETE FROM es_snapshots
  WHERE stream = ?1 AND projection = ?2
    AND version < (SELECT version FROM es_snapshots WHERE stream = ?1 AND projection = ?2
                   ORDER BY version DESC LIMIT 1 OFFSET ?3 + 0)`;

const OF_QUERY = `
  FROM es_snapshots
  WHERE stream = ?1 AND (?2 IS NULL OR projection = ?2) AND (?3 IS NULL OR version < ?3)`;
const REMOVE = `DELETE ${OF_QUERY}`;
const COUNT = `SELECT count(*) AS count ${OF_QUERY}`;

const LOAD = `
  SELECT version, timestamp, schema, codec, state, checksum FROM es_snapshots
  WHERE stream = ?1 AND projection = ?2 AND version <= ?3
  ORDER BY version DESC LIMIT 1`;

/**
 * Removes snapshots of a stream.
 *
 * @returns how many
 */
export async function deleteSnapshots(connection: SQLiteConnection, query: DeleteSnapshotsQuery): Promise<number> {
  return (await connection.run(REMOVE, queryValues(query))).changes;
}

/** Counts the snapshots that `deleteSnapshots` would remove. */
export async function countSnapshots(connection: SQLiteConnection, query: DeleteSnapshotsQuery): Promise<number> {
  const [row] = await connection.all<{ count: number }>(COUNT, queryValues(query));
  return row?.count ?? 0;
}

function queryValues({ streamId, projection, below }: DeleteSnapshotsQuery): SQLiteValue[] {
  return [streamId, projection ?? null, below ?? null];
}

/**
 * Saves a snapshot; with `keep`, also removes all but the newest so many of its projection.
 *
 * @throws StreamDeletedError
 */
export async function saveSnapshot(
  connection: SQLiteConnection,
  snapshot: Snapshot<EncodedState>,
  { keep }: SnapshotRetention,
  location: string,
): Promise<void> {
  if (keep === undefined) return insert(connection, snapshot, location);
  await inTransaction(connection, async () => {
    await insert(connection, snapshot, location);
    await connection.run(REMOVE_OLDER, [snapshot.streamId, snapshot.projection, keep - 1]);
  });
}

async function insert(connection: SQLiteConnection, snapshot: Snapshot<EncodedState>, location: string): Promise<void> {
  const { streamId } = snapshot;
  const { changes } = await connection.run(SAVE, valuesOf(snapshot));
  if (changes === 0) throw streamDeleted(`save a snapshot of stream "${streamId}"`, streamId, location);
}

/** Stores a snapshot as it is in another store. */
export async function putSnapshot(connection: SQLiteConnection, snapshot: Snapshot<EncodedState>): Promise<void> {
  await connection.run(PUT, valuesOf(snapshot));
}

function valuesOf(snapshot: Snapshot<EncodedState>): SQLiteValue[] {
  const { streamId, projection, version, timestamp, state } = snapshot;
  const bytes = Buffer.from(state.bytes.buffer, state.bytes.byteOffset, state.bytes.byteLength);
  const checksum = snapshotChecksum(snapshot, SCHEMA_VERSION);
  return [streamId, projection, version, timestamp.getTime(), state.codec, bytes, checksum];
}

/** @throws StorageError `STORAGE_CORRUPT` when it is damaged */
export async function loadSnapshot(
  connection: SQLiteConnection,
  { streamId, projection, atOrBefore = Number.MAX_SAFE_INTEGER }: SnapshotQuery,
  location: string,
): Promise<Snapshot<EncodedState> | null> {
  const [row] = await connection.all<SnapshotRow>(LOAD, [streamId, projection, atOrBefore]);
  return row === undefined ? null : soundSnapshot(storedSnapshotOf(streamId, projection, row), location);
}

/** A snapshot as it is stored. */
export interface SnapshotRow {
  readonly version: number;
  readonly timestamp: number;
  readonly schema: number;
  readonly codec: string;
  readonly state: Uint8Array;
  readonly checksum: number;
}

export function storedSnapshotOf(streamId: string, projection: string, row: SnapshotRow): StoredSnapshot {
  const { version, timestamp, schema, checksum } = row;
  // Of a damaged row it may be anything. A number would be taken for a length, and what is not there has another checksum.
  const bytes = row.state instanceof Uint8Array ? new Uint8Array(row.state) : new Uint8Array();
  const state = { codec: row.codec, bytes };
  return { snapshot: { streamId, projection, version, timestamp: new Date(timestamp), state }, schema, checksum };
}
