/**
 * Large bytes beside the events, in one of several stores.
 *
 * @packageDocumentation
 */
export { fileBlobs } from "./adapters/files/index.js";
export { type S3Credentials, type S3Options, s3Blobs } from "./adapters/s3/index.js";
export type {
  BlobData,
  BlobStat,
  BlobStore,
  ListBlobsOptions,
  ListedBlob,
  PutBlobOptions,
  StoredBlob,
} from "./protocols/index.js";
export type { BlobTablesOwner } from "./src/blobs/sql/blob-tables.js";
export { sqliteBlobs } from "./src/blobs/sql/sqlite-blobs.js";
export { BLOB_CHUNK_BYTES, MAX_BLOB_KEY_LENGTH, MAX_CONTENT_TYPE_LENGTH } from "./src/limits.js";
