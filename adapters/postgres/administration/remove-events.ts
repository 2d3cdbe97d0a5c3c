import { type RemovedEvents, type RemoveRequest, StorageError } from "../../../protocols/index.js";
import { DEFAULT_TRANSACTION_TIMEOUT_MS, REMOVAL_TRANSACTION_BYTES } from "../../../src/limits.js";
import type { StoreNames } from "../open/schema.js";
import { bytesOf } from "../sql-text.js";
import type { PostgresSession } from "../transaction/postgres-session.js";
import type { WriteQueue } from "../transaction/write-queue.js";

/** What a removal needs of the store. */
export interface RemovalContext {
  readonly queue: WriteQueue;
  readonly names: StoreNames;
}

/** For how long a process that has stopped in the middle holds up the others. */
const timeoutMs = DEFAULT_TRANSACTION_TIMEOUT_MS;

/** Removes the first events of a stream, in one transaction that holds the lock, unless they are needed. */
export async function removeBefore(
  { queue, names }: RemovalContext,
  request: RemoveRequest,
  attempt: string,
): Promise<RemovedEvents> {
  const options = { timeoutMs, attempt };
  const { hasKeys, ...step } = await queue.transact((session) => removeStep(session, names, request), options);
  // Those of earlier removals, in transactions of their own, each of a limited size.
  for (let isLeft = hasKeys; isLeft; ) {
    const forgotten = await queue.transact((session) => forgetKeys(session, names, request), options);
    isLeft = forgotten === request.limit;
  }
  return step;
}

interface RemovedStep extends RemovedEvents {
  /** Whether keys of events that were removed earlier are to be forgotten. */
  readonly hasKeys: boolean;
}

interface Row {
  readonly first: number;
  readonly end: number;
  readonly removed: number;
  readonly hasKeys: string;
}

async function removeStep(
  { connection, records }: PostgresSession,
  { prefix }: StoreNames,
  { streamId, before, limit, keepKeys, assertUnneeded }: RemoveRequest,
): Promise<RemovedStep> {
  await assertUnneeded?.(records);
  const { rows } = await connection.query<Row>({
    name: "es_remove",
    text: `SELECT o_first AS first, o_end AS "end", o_removed AS removed, o_has_keys AS "hasKeys"
           FROM ${prefix}es_remove($1::bytea, $2, $3, $4, $5)`,
    values: [bytesOf(streamId), before, limit, REMOVAL_TRANSACTION_BYTES, keepKeys],
  });
  const { first, end, removed, hasKeys } = rows[0] as Row;
  if (removed !== end - first) throw incomplete(streamId, first, end - 1, removed);
  return { removed, firstVersion: end, hasKeys: hasKeys === "t" };
}

function incomplete(streamId: string, first: number, last: number, found: number): StorageError {
  const message =
    `Cannot remove events of stream "${streamId}": of the versions ${first} to ${last} it has ${found}. It is damaged; ` +
    "verify() tells where. Nothing was removed.";
  return new StorageError("STORAGE_CORRUPT", message);
}

/** @returns how many were forgotten, at most `limit` */
async function forgetKeys(
  { connection }: PostgresSession,
  { prefix }: StoreNames,
  { streamId, before, limit }: RemoveRequest,
): Promise<number> {
  const { rowCount } = await connection.query({
    text: `
      DELETE FROM ${prefix}es_keys k USING (
        SELECT stream, version FROM ${prefix}es_keys
        WHERE stream = (SELECT id FROM ${prefix}es_streams WHERE hash = sha256($1::bytea)) AND version < $2::bigint
        ORDER BY version LIMIT $3::bigint
      ) gone WHERE k.stream = gone.stream AND k.version = gone.version`,
    values: [bytesOf(streamId), before, limit],
  });
  return rowCount;
}
