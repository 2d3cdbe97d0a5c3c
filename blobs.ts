/**
 * Large bytes beside the events, in one of several stores.
 *
 * @packageDocumentation
 */
export type {
  BlobData,
  BlobStat,
  BlobStore,
  ListBlobsOptions,
  ListedBlob,
  PutBlobOptions,
  StoredBlob,
} from "./protocols/index.js";
export { sqliteBlobs } from "./src/blobs/sql/sqlite-blobs.js";
export { BLOB_CHUNK_BYTES, MAX_BLOB_KEY_LENGTH, MAX_CONTENT_TYPE_LENGTH } from "./src/limits.js";
