import { type RemoveRequest, StorageError } from "../../../protocols/index.js";
import { REMOVAL_TRANSACTION_BYTES } from "../../../src/limits.js";
import type { SQLiteConnection } from "../drivers/driver.js";
import { DamagedCounterError } from "../sqlite-errors.js";
import { SQLiteRecords } from "../transaction/sqlite-records.js";
import { inTransaction } from "../transaction/transaction.js";

/** What a step of a removal has done. */
export interface RemovedEvents {
  readonly removed: number;
  readonly firstVersion: number;
}

const FIND_STREAM = `
  SELECT id, first, removed, (SELECT max(version) FROM es_events WHERE stream = s.id) AS last
  FROM es_streams AS s WHERE name = ?1`;

// Of the content only the length is read, which is at the beginning of its row.
const SIZES = `
  SELECT json_group_array(octet_length(data) + coalesce(octet_length(metadata), 0) ORDER BY version) AS sizes
  FROM es_events WHERE stream = ?1 AND version >= ?2 AND version < ?3`;

interface StreamState {
  readonly id: number;
  readonly first: number;
  readonly removed: number;
  /** Null without events. */
  readonly last: number | null;
}

const CHECKSUMS = `
  SELECT json_group_array(checksum) AS checksums FROM es_events WHERE stream = ?1 AND version < ?2`;

const KEEP_KEYS = `
  INSERT INTO es_keys (stream, key, version, position)
  SELECT stream, id, version, position FROM es_events WHERE stream = ?1 AND version < ?2 AND typeof(id) = 'text'`;

const RAISE_FIRST = "UPDATE es_streams SET first = ?2, removed = ?3 WHERE id = ?1";
const DELETE_EVENTS = "DELETE FROM es_events WHERE stream = ?1 AND version < ?2";

// Whatever a process remembers of the store it remembers as of the last position that was given. With another one it reads
// again. The position is skipped, so that none is given twice.
const SKIP_POSITION = `
  UPDATE sqlite_sequence SET seq = seq + 1
  WHERE name = 'es_events' AND seq >= (SELECT max(position) FROM es_events) AND seq < ${Number.MAX_SAFE_INTEGER}`;
const COUNT_REMOVAL = "UPDATE es_counters SET value = value + 1 WHERE name IN ('skipped', 'removal')";
const REMOVAL_COUNTERS = 2;

/** Removes the first events of a stream, in one transaction, unless they are needed. */
export function removeEvents(
  connection: SQLiteConnection,
  request: RemoveRequest,
  location: string,
): Promise<RemovedEvents> {
  const { streamId, before, limit, keepKeys, assertUnneeded } = request;
  return inTransaction(connection, async () => {
    await assertUnneeded?.(new SQLiteRecords(connection, location));
    const [stream] = await connection.all<StreamState>(FIND_STREAM, [streamId]);
    if (stream === undefined || stream.last === null) return { removed: 0, firstVersion: 1 };
    const { id, first, last } = stream;
    const most = Math.min(before, first + limit, last);
    if (most <= first) return { removed: 0, firstVersion: first };
    const end = await endWithinBytes(connection, id, first, most);
    const removed = stream.removed ^ (await xorOfChecksums(connection, id, end));
    if (keepKeys) await connection.run(KEEP_KEYS, [id, end]);
    await connection.run(RAISE_FIRST, [id, end, removed]);
    const { changes } = await connection.run(DELETE_EVENTS, [id, end]);
    if (changes !== end - first) throw incomplete(streamId, location, first, end - 1, changes);
    const isSkipped = (await connection.run(SKIP_POSITION)).changes === 1;
    const isCounted = (await connection.run(COUNT_REMOVAL)).changes === REMOVAL_COUNTERS;
    if (!isSkipped || !isCounted)
      throw new DamagedCounterError("a counter of positions or removals is not as it was left");
    return { removed: changes, firstVersion: end };
  });
}

/** The version up to which, from `first` on, the events are small enough to be removed at once: at least one event. */
async function endWithinBytes(
  connection: SQLiteConnection,
  stream: number,
  first: number,
  end: number,
): Promise<number> {
  const [row] = await connection.all<{ sizes: string }>(SIZES, [stream, first, end]);
  const sizes = JSON.parse((row as { sizes: string }).sizes) as number[];
  let bytes = 0;
  const tooLarge = sizes.findIndex((size, index) => {
    bytes += size;
    return index > 0 && bytes > REMOVAL_TRANSACTION_BYTES;
  });
  return tooLarge === -1 ? end : first + tooLarge;
}

/** The xor of the checksums of a stream's events below a version. One without a checksum counts as 0. */
async function xorOfChecksums(connection: SQLiteConnection, stream: number, end: number): Promise<number> {
  const [row] = await connection.all<{ checksums: string }>(CHECKSUMS, [stream, end]);
  const checksums = JSON.parse((row as { checksums: string }).checksums) as (number | null)[];
  return checksums.reduce<number>((xor, checksum) => xor ^ (checksum ?? 0), 0);
}

function incomplete(streamId: string, location: string, first: number, last: number, found: number): StorageError {
  const message =
    `Cannot remove events of stream "${streamId}" in ${location}: of the versions ${first} to ${last} it has ${found}. It is damaged; ` +
    "verify() tells where. Nothing was removed.";
  return new StorageError("STORAGE_CORRUPT", message);
}

const FORGET_KEYS = `
  DELETE FROM es_keys WHERE (stream, key) IN (
    SELECT k.stream, k.key FROM es_streams AS s JOIN es_keys AS k ON k.stream = s.id
    WHERE s.name = ?1 AND k.version < ?2 LIMIT ?3 + 0)`;

/**
 * Forgets idempotency keys of events that were removed earlier.
 *
 * @returns how many, at most `limit`
 */
export async function forgetKeys(
  connection: SQLiteConnection,
  { streamId, before, limit }: RemoveRequest,
): Promise<number> {
  return (await connection.run(FORGET_KEYS, [streamId, before, limit])).changes;
}
