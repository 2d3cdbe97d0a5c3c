import { join } from "node:path";
import { type BlobStore, s3Blobs } from "async-streams/blobs";
import type { Arguments } from "./arguments.js";
import type { StoreConfig } from "./store/config.js";

/** The store that the arguments name; without any, a file in a folder. */
export function configOf({ url, replica, db, artifacts: address }: Arguments, folder: string): StoreConfig {
  const artifacts = address === undefined ? {} : { artifacts: bucketAt(address) };
  if (url === undefined) return { path: db ?? join(folder, "openfroyo.db"), ...artifacts };
  return { url, ...(replica === undefined ? {} : { replica }), ...artifacts };
}

/** @throws Error when the address is none, or the environment has no credentials */
function bucketAt(address: string): BlobStore {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION } = process.env;
  const [, endpoint, bucket] = /^(https?:\/\/[^/]+)\/([^/?#]+)\/?$/.exec(address) ?? [];
  if (endpoint === undefined || bucket === undefined) throw new Error("--artifacts must be https://<service>/<bucket>");
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) {
    throw new Error("--artifacts needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment");
  }
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
  return s3Blobs({ endpoint, bucket, region: AWS_REGION, credentials });
}
