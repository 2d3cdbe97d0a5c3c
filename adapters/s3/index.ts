export { s3Blobs } from "./s3-blobs.js";
export type { S3Credentials, S3Options } from "./s3-options.js";
