import type { EncodedState, Snapshot } from "../../../protocols/index.js";
import { soundSnapshot } from "../../../src/adapter-kit/stored-snapshot.js";
import { MAX_COPY_PAGE_BYTES } from "../../../src/limits.js";
import type { PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { type SnapshotRow, storedSnapshotOf } from "../snapshot-statements.js";
import { plainArray, textOfHex } from "../sql-text.js";

/** The key of a snapshot, and the size of its state. */
export interface SnapshotKeyRow {
  readonly stream: string;
  readonly projection: string;
  readonly version: number;
  readonly size: number;
}

/** Reads the snapshots with these keys, as many at a time as are not too large. */
export async function* readSnapshots(
  connection: PostgresConnection,
  { prefix }: StoreNames,
  keys: readonly SnapshotKeyRow[],
  location: string,
): AsyncGenerator<readonly Snapshot<EncodedState>[], void> {
  for (const group of groupsOf(keys)) {
    const { rows } = await connection.query<SnapshotRow & Pick<SnapshotKeyRow, "stream" | "projection">>({
      name: "es_copied_snapshots",
      text: `
        SELECT s.stream, s.projection, s.version, s.timestamp, s.schema, s.codec, s.state, s.checksum
        FROM unnest($1::bytea[], $2::bytea[], $3::bigint[]) WITH ORDINALITY AS k(stream, projection, version, number)
        CROSS JOIN LATERAL (
          SELECT * FROM ${prefix}es_snapshots
          WHERE stream_hash = sha256(k.stream) AND projection_hash = sha256(k.projection) AND version = k.version
        ) s ORDER BY k.number`,
      values: [
        hexArray(group.map(({ stream }) => stream)),
        hexArray(group.map(({ projection }) => projection)),
        plainArray(group.map(({ version }) => version)),
      ],
    });
    yield rows.map((row) =>
      soundSnapshot(storedSnapshotOf(textOfHex(row.stream), textOfHex(row.projection), row), location),
    );
  }
}

/** An array of bytes that the server gave in hexadecimal digits. */
function hexArray(values: readonly string[]): string {
  return `{${values.map((hex) => `"\\${hex}"`).join(",")}}`;
}

function* groupsOf(keys: readonly SnapshotKeyRow[]): Generator<readonly SnapshotKeyRow[], void> {
  let group: SnapshotKeyRow[] = [];
  let bytes = 0;
  for (const key of keys) {
    if (group.length > 0 && bytes + key.size > MAX_COPY_PAGE_BYTES) {
      yield group;
      group = [];
      bytes = 0;
    }
    group.push(key);
    bytes += key.size;
  }
  if (group.length > 0) yield group;
}
