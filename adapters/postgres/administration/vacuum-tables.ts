import { type ReclaimedBytes, StorageError } from "../../../protocols/index.js";
import type { PostgresConnection } from "../client/client.js";
import type { StoreNames } from "../open/schema.js";
import { textArray } from "../sql-text.js";

/** The tables that removals leave space in. */
const TABLES = ["es_events", "es_streams", "es_keys", "es_snapshots", "es_records", "es_counters"];

/** How long the server pauses after so much work, as autovacuum does, so that others are not held up. */
const PAUSE_MS = 2;

/**
 * Has the server vacuum the store's tables: what removed events took is used for new ones, and pages that are free at the end
 * of a table go back to the file system. It goes on beside reads and writes. There is no more to be had beside them: only
 * VACUUM FULL moves what lies behind free pages, and it locks everybody out.
 *
 * The server does the same by itself, later (autovacuum). The connection is used for nothing else, and closed afterwards.
 */
export async function vacuumTables(
  connection: PostgresConnection,
  names: StoreNames,
  location: string,
): Promise<ReclaimedBytes> {
  const before = await readSize(connection, names);
  if (before.isOwner !== "t") throw notOwner(location);
  // However long it takes.
  connection.answerTimeoutMs = undefined;
  await connection.script(`SET statement_timeout TO 0; SET lock_timeout TO 0; SET vacuum_cost_delay TO ${PAUSE_MS}`);
  await connection.script(`VACUUM ${TABLES.map((table) => `${names.prefix}${table}`).join(", ")}`);
  const after = await readSize(connection, names);
  return { freed: Math.max(0, before.bytes - after.bytes), left: 0 };
}

interface Size {
  readonly bytes: number;
  readonly isOwner: string;
}

async function readSize(connection: PostgresConnection, { prefix }: StoreNames): Promise<Size> {
  const { rows } = await connection.query<Size>({
    text: `SELECT sum(pg_total_relation_size(oid))::bigint AS bytes, bool_and(pg_has_role(relowner, 'USAGE')) AS "isOwner"
           FROM pg_class WHERE oid = ANY($1::regclass[]::oid[])`,
    values: [textArray(TABLES.map((table) => `${prefix}${table}`))],
  });
  return rows[0] as Size;
}

function notOwner(location: string): StorageError {
  const message =
    `Cannot reclaim space in ${location}: only the owner of the store's tables may vacuum them. Nothing was changed. Open ` +
    "the store as their owner, or leave it to the server's autovacuum.";
  return new StorageError("STORAGE_PERMISSION_DENIED", message);
}
