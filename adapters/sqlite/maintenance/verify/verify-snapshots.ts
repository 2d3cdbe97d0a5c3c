import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import { snapshotProblem } from "../../../../src/adapter-kit/stored-snapshot.js";
import type { SQLiteConnection } from "../../drivers/driver.js";
import { head } from "../../read/stream-figures.js";
import { type SnapshotRow, storedSnapshotOf } from "../../snapshot-statements.js";
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

interface Row extends SnapshotRow {
  /** The stream's id and the projection. */
  readonly names: string;
}

const SELECT_SNAPSHOT = `
  SELECT json_array(stream, projection) AS names, version, timestamp, schema, codec, state, checksum
  FROM es_snapshots WHERE rowid = ?1`;

async function verifySnapshot(session: MaintenanceSession, row: number, problems: ProblemList): Promise<void> {
  const found = await session.step(async (connection) => {
    const [snapshot] = await connection.all<Row>(SELECT_SNAPSHOT, [row]);
    if (snapshot === undefined) return null;
    const [streamId, projection] = JSON.parse(snapshot.names) as [string, string];
    return { stored: storedSnapshotOf(streamId, projection, snapshot), head: await head(connection, { streamId }) };
  });
  // A newer one has replaced it.
  if (found === null) return;
  const { streamId, projection, version } = found.stored.snapshot;
  const detail = await snapshotProblem(found.stored, found.head);
  if (detail !== null) problems.add({ kind: "snapshot", streamId, version, detail: `"${projection}": ${detail}` });
}
