import { ALL_STREAM } from "../../../../protocols/index.js";
import type { ProblemList } from "../../../../src/adapter-kit/problem-list.js";
import { snapshotProblem } from "../../../../src/adapter-kit/stored-snapshot.js";
import type { PostgresConnection } from "../../client/client.js";
import type { StoreNames } from "../../open/schema.js";
import { type SnapshotRow, storedSnapshotOf } from "../../snapshot-statements.js";
import { bytesLiteral, textOfHex } from "../../sql-text.js";
import type { CheckSession } from "../check-session.js";

/** Compares every snapshot with its checksum, decodes it, and looks for the version that it names. One at a time. */
export function verifySnapshots(session: CheckSession, names: StoreNames, problems: ProblemList): Promise<void> {
  return problems.reading("go through the snapshots", undefined, async () => {
    for (let place = START; !problems.isFull; ) {
      const row = await session.step((connection) => nextRow(connection, names, place));
      if (row === undefined) return;
      await verifySnapshot(row, problems);
      place = row;
    }
  });
}

/** A place in the order of the primary key; hashes are bytes as the server writes them. */
type Place = Pick<Row, "streamHash" | "projectionHash" | "version">;

/** Before all others: no hash is empty. */
const START: Place = { streamHash: "\\x", projectionHash: "\\x", version: 0 };

interface Row extends SnapshotRow {
  readonly streamHash: string;
  readonly projectionHash: string;
  readonly stream: string;
  readonly projection: string;
  /** Whether it is found by its names. */
  readonly isFiled: string;
  /** The last place of its stream. */
  readonly head: number | null;
}

async function nextRow(
  connection: PostgresConnection,
  { prefix }: StoreNames,
  { streamHash, projectionHash, version }: Place,
): Promise<Row | undefined> {
  const { rows } = await connection.query<Row>({
    text: `
      SELECT stream_hash AS "streamHash", projection_hash AS "projectionHash", stream, projection, n.version, n.timestamp,
             n.schema, codec, state, n.checksum,
             (stream_hash = sha256(stream) AND projection_hash = sha256(projection)) AS "isFiled",
             CASE WHEN stream = ${bytesLiteral(ALL_STREAM)} THEN (SELECT max(position) FROM ${prefix}es_events)
                  ELSE (SELECT version FROM ${prefix}es_events e
                        WHERE e.stream = (SELECT id FROM ${prefix}es_streams WHERE hash = n.stream_hash)
                        ORDER BY version DESC LIMIT 1) END AS head
      FROM ${prefix}es_snapshots n
      WHERE (stream_hash, projection_hash, n.version) > ($1::bytea, $2::bytea, $3::bigint)
      ORDER BY stream_hash, projection_hash, n.version LIMIT 1`,
    values: [streamHash, projectionHash, version],
  });
  return rows[0];
}

async function verifySnapshot(row: Row, problems: ProblemList): Promise<void> {
  const { version } = row;
  const [streamId, projection] = [textOfHex(row.stream), textOfHex(row.projection)];
  const detail = await problemOf(row, streamId, projection);
  if (detail !== null) problems.add({ kind: "snapshot", streamId, version, detail: `"${projection}": ${detail}` });
}

async function problemOf(row: Row, streamId: string, projection: string): Promise<string | null> {
  if (row.isFiled !== "t") return "it is not found under its names";
  return snapshotProblem(storedSnapshotOf(streamId, projection, row), row.head ?? 0);
}
