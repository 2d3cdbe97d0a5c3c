import type { BlobStat, SQL, SQLStatement } from "../../../protocols/index.js";
import { sql } from "../../transaction/sql-statement.js";

/** A blob as its row has it. */
export interface BlobRow extends BlobStat {
  readonly id: string;
  readonly chunks: number;
}

/** With its first chunk, which is all of most blobs. */
export interface BlobRowWithBytes extends BlobRow {
  /** Null where it has none. */
  readonly bytes: Uint8Array | null;
}

export function selectBlob(key: string): SQLStatement {
  return sql`
    SELECT b.id AS "id", b.size AS "size", b.content_type AS "contentType", b.etag AS "etag", b.chunks AS "chunks",
           c.bytes AS "bytes"
    FROM async_streams_blobs AS b LEFT JOIN async_streams_blob_chunks AS c ON c.blob_id = b.id AND c.chunk = 0
    WHERE b.blob_key = ${key}`;
}

export function selectStat(key: string): SQLStatement {
  return sql`
    SELECT id AS "id", size AS "size", content_type AS "contentType", etag AS "etag"
    FROM async_streams_blobs WHERE blob_key = ${key}`;
}

export function selectChunk(id: string, chunk: number): SQLStatement {
  return sql`SELECT bytes AS "bytes" FROM async_streams_blob_chunks WHERE blob_id = ${id} AND chunk = ${chunk}`;
}

/** Whether a blob is under a key still. */
export function selectIsLive(id: string): SQLStatement {
  return sql`SELECT 1 AS "isLive" FROM async_streams_blobs WHERE id = ${id} AND blob_key IS NOT NULL`;
}

// A parameter that is the whole LIMIT would have SQLite compile the statement again at every call.

/** A page of a listing: from a key on, without it. */
export function selectKeysAfter(after: string, limit: number): SQLStatement {
  return sql`
    SELECT blob_key AS "key", size AS "size", etag AS "etag"
    FROM async_streams_blobs WHERE blob_key > ${after} ORDER BY blob_key LIMIT ${limit} + 0`;
}

/** The first page of a listing: from a key on. */
export function selectKeysFrom(first: string, limit: number): SQLStatement {
  return sql`
    SELECT blob_key AS "key", size AS "size", etag AS "etag"
    FROM async_streams_blobs WHERE blob_key >= ${first} ORDER BY blob_key LIMIT ${limit} + 0`;
}

/** Notes that a put is under way. */
export async function insertStaged(tables: SQL, id: string, expiresAtMs: number): Promise<void> {
  await tables.run(sql`
    INSERT INTO async_streams_blobs (id, blob_key, size, content_type, etag, chunks, expires_at_ms)
    VALUES (${id}, ${null}, 0, '', '', 0, ${expiresAtMs})`);
}

/** @returns whether the put is still there */
export async function renewStaged(tables: SQL, id: string, expiresAtMs: number): Promise<boolean> {
  const { changes } = await tables.run(sql`
    UPDATE async_streams_blobs SET expires_at_ms = ${expiresAtMs} WHERE id = ${id} AND blob_key IS NULL`);
  return changes === 1;
}

export async function insertChunk(tables: SQL, id: string, chunk: number, bytes: Uint8Array): Promise<void> {
  await tables.run(sql`
    INSERT INTO async_streams_blob_chunks (blob_id, chunk, bytes) VALUES (${id}, ${chunk}, ${bytes})`);
}

/** Puts a blob that was staged, or a new one, under a key. */
export async function insertBlob(tables: SQL, key: string, row: BlobRow): Promise<void> {
  await tables.run(sql`
    INSERT INTO async_streams_blobs (id, blob_key, size, content_type, etag, chunks)
    VALUES (${row.id}, ${key}, ${row.size}, ${row.contentType}, ${row.etag}, ${row.chunks})
    ON CONFLICT (id) DO UPDATE SET
      blob_key = excluded.blob_key, size = excluded.size, content_type = excluded.content_type, etag = excluded.etag,
      chunks = excluded.chunks, expires_at_ms = NULL`);
}

/** Takes the blob of a key away from it. @returns the id of what remains to be removed, if there was any */
export async function takeAway(tables: SQL, key: string): Promise<string | undefined> {
  const [row] = await tables.all<{ id: string }>(sql`
    SELECT id AS "id" FROM async_streams_blobs WHERE blob_key = ${key}`);
  if (row === undefined) return undefined;
  await tables.run(sql`UPDATE async_streams_blobs SET blob_key = ${null}, expires_at_ms = 0 WHERE id = ${row.id}`);
  return row.id;
}
