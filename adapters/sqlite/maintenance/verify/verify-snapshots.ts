import { ALL_STREAM, type EncodedState, type Snapshot } from "../../../../protocols/index.js";
import { snapshotChecksum } from "../../../../src/adapter-kit/checksum.js";
import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import { stateProblem } from "../../../../src/snapshot/snapshot-codec.js";
import type { SQLiteConnection } from "../../drivers/driver.js";
import { head } from "../../read/stream-figures.js";
import type { MaintenanceSession } from "../maintenance-session.js";

/** Compares every snapshot with its checksum, decodes it, and looks for the version that it names. One at a time. */
export function verifySnapshots(session: MaintenanceSession, problems: ProblemList): Promise<void> {
  return problems.reading("go through the snapshots", undefined, async () => {
    let row = 0;
    while (!problems.isFull) {
      const next = await session.step((connection) => nextRow(connection, row));
      if (next === null) return;
      // In a damaged table what comes next may be what came before.
      if (next <= row)
        return problems.add({ kind: "unreadable", detail: "the rows of the snapshots are not in order" });
      row = next;
      await verifySnapshot(session, row, problems);
    }
  });
}

async function nextRow(connection: SQLiteConnection, after: number): Promise<number | null> {
  const sql = "SELECT min(rowid) AS next FROM es_snapshots WHERE rowid > ?1";
  const [row] = await connection.all<{ next: number | null }>(sql, [after]);
  return row?.next ?? null;
}

interface SnapshotRow {
  /** The stream's id and the projection. */
  readonly names: string;
  readonly version: number;
  readonly timestamp: number;
  readonly schema: number;
  readonly codec: string;
  readonly bytes: Uint8Array;
  readonly checksum: number;
}

interface NamedSnapshot extends Omit<SnapshotRow, "names"> {
  readonly streamId: string;
  readonly projection: string;
}

const SELECT_SNAPSHOT = `
  SELECT json_array(stream, projection) AS names, version, timestamp, schema, codec, state AS bytes, checksum
  FROM es_snapshots WHERE rowid = ?1`;

async function verifySnapshot(session: MaintenanceSession, row: number, problems: ProblemList): Promise<void> {
  const found = await session.step(async (connection) => {
    const [snapshot] = await connection.all<SnapshotRow>(SELECT_SNAPSHOT, [row]);
    if (snapshot === undefined) return null;
    const [streamId, projection] = JSON.parse(snapshot.names) as [string, string];
    return { ...snapshot, streamId, projection, headVersion: await head(connection, { streamId }) };
  });
  // A newer one has replaced it.
  if (found === null) return;
  const { streamId, projection, version, headVersion } = found;
  const detail = await problemOf(found, headVersion);
  if (detail !== null) problems.add({ kind: "snapshot", streamId, version, detail: `"${projection}": ${detail}` });
}

async function problemOf(row: NamedSnapshot, headVersion: number): Promise<string | null> {
  const { streamId, projection, version, timestamp, codec, bytes } = row;
  const state: EncodedState = { codec, bytes: new Uint8Array(bytes) };
  const snapshot: Snapshot<EncodedState> = { streamId, projection, version, timestamp: new Date(timestamp), state };
  if (snapshotChecksum(snapshot, row.schema) !== row.checksum) return "it is not what its checksum was made of";
  if (version > headVersion) {
    const place = streamId === ALL_STREAM ? "position" : "version";
    return `it names ${place} ${version}, and the last one is ${headVersion}`;
  }
  return stateProblem(state);
}
