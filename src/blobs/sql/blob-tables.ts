import {
  isStreamError,
  type SQL,
  type SQLStatement,
  StorageError,
  type Transaction,
  type TransactionalStreamFactory,
} from "../../../protocols/index.js";
import { MAX_TRANSACTION_TIMEOUT_MS } from "../../limits.js";
import { rawSQL } from "../../transaction/sql-statement.js";
import { hasStoreAccess, storeAccessOf } from "../../transaction/store-access.js";
import { invalidArgument } from "../../validate/check-arguments.js";
import { describeValue } from "../../validate/json-text.js";

/** What has the tables: a store, or a transaction of it. */
export type BlobTablesOwner = TransactionalStreamFactory | Pick<Transaction, "sql">;

/** The tables of blobs. They are made in the first transaction that needs them. */
export interface BlobTables {
  readonly location: string | undefined;
  /** Whether each of its transactions is one of its own. Otherwise all of them are parts of the caller's. */
  readonly hasOwnTransactions: boolean;
  /** Runs statements, all or nothing. */
  write<T>(work: (sql: SQL) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Rows of a query; none where there are no tables. */
  read<Row>(statement: SQLStatement): Promise<Row[]>;
}

/** @throws InvalidArgumentError when it is neither a store nor a transaction */
export function blobTablesOf(owner: BlobTablesOwner): BlobTables {
  if (typeof owner === "object" && owner !== null) {
    if ("transaction" in owner && "query" in owner) return tablesOfStore(owner);
    if ("sql" in owner) return tablesOfTransaction(owner);
    if ("openStream" in owner) {
      const message = "Cannot keep blobs in this store: it has no transactions. Use a store over SQLite or PostgreSQL.";
      throw new StorageError("STORAGE_UNSUPPORTED", message);
    }
  }
  throw invalidArgument("streams", `expected a store or a transaction of one, got ${describeValue(owner)}`);
}

function tablesOfStore(streams: TransactionalStreamFactory): BlobTables {
  let areMade = false;
  return {
    location: hasStoreAccess(streams) ? storeAccessOf(streams, "keep blobs").location : undefined,
    hasOwnTransactions: true,
    async write(work, signal) {
      const run = async ({ sql }: Transaction) => {
        if (!areMade) await createTables(sql);
        return work(sql);
      };
      // No statement of it waits for the caller.
      const result = await streams.transaction(run, { timeoutMs: MAX_TRANSACTION_TIMEOUT_MS, signal });
      areMade = true;
      return result;
    },
    async read<Row>(statement: SQLStatement) {
      try {
        return await streams.query<Row>(statement);
      } catch (error) {
        if (isMissingTable(error)) return [];
        throw error;
      }
    },
  };
}

function tablesOfTransaction({ sql }: Pick<Transaction, "sql">): BlobTables {
  let making: Promise<void> | undefined;
  // A statement that fails dooms the transaction, so that none may be tried on tables that are not there.
  const made = () => {
    making ??= createTables(sql);
    return making;
  };
  return {
    location: undefined,
    hasOwnTransactions: false,
    async write(work) {
      await made();
      return work(sql);
    },
    async read<Row>(statement: SQLStatement) {
      await made();
      return sql.all<Row>(statement);
    },
  };
}

/** The names are those of no application. A row without a key is a put that is under way, or remains to be removed. */
async function createTables(sql: SQL): Promise<void> {
  const { integer, bytes, byCodePoint, strict } = TYPES[sql.dialect];
  await sql.run(
    rawSQL(`CREATE TABLE IF NOT EXISTS async_streams_blobs (
      id            TEXT PRIMARY KEY,
      blob_key      TEXT ${byCodePoint} UNIQUE,
      size          ${integer} NOT NULL,
      content_type  TEXT NOT NULL,
      etag          TEXT NOT NULL,
      chunks        ${integer} NOT NULL,
      expires_at_ms ${integer}
    ) ${strict}`),
  );
  await sql.run(
    rawSQL(`CREATE TABLE IF NOT EXISTS async_streams_blob_chunks (
      blob_id TEXT NOT NULL,
      chunk   ${integer} NOT NULL,
      bytes   ${bytes} NOT NULL,
      PRIMARY KEY (blob_id, chunk)
    ) ${strict}`),
  );
  await sql.run(
    rawSQL(`CREATE INDEX IF NOT EXISTS async_streams_expiring_blobs ON async_streams_blobs (expires_at_ms)
      WHERE expires_at_ms IS NOT NULL`),
  );
}

const TYPES = {
  sqlite: { integer: "INTEGER", bytes: "BLOB", byCodePoint: "COLLATE BINARY", strict: "STRICT" },
  postgresql: { integer: "BIGINT", bytes: "BYTEA", byCodePoint: 'COLLATE "C"', strict: "" },
} as const;

const UNDEFINED_TABLE = "42P01";

function isMissingTable(error: unknown): boolean {
  if (!isStreamError(error, "STORAGE_FAILED")) return false;
  const { cause, message } = error;
  const { code } = (cause ?? {}) as { readonly code?: unknown };
  return code === UNDEFINED_TABLE || message.includes("no such table: async_streams_blobs");
}
