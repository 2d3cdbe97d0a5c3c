import S3rver from "s3rver";
import { describe, expect, test } from "vitest";
import { s3Blobs } from "../../../blobs.js";
import { describeBlobStore } from "../../conformance/index.js";
import { createTempDir } from "../../support/temp-dir.js";

/**
 * What s3rver does otherwise than S3: it orders keys by folder, fails at its second page, takes no two slashes in a row, and
 * writes an object in its place, so that two puts at once may mix.
 */
const NOT_OF_S3RVER: ReadonlySet<string> = new Set([
  "is ordered by code point, and may begin with a prefix",
  "goes on after its first page",
  "are told apart, and are listed as they are",
  "by several at a time is one of theirs",
]);

const testUnlessOther = (name: string, body: () => Promise<void>): void => {
  if (!NOT_OF_S3RVER.has(name)) test(name, body);
};

const CREDENTIALS = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };

const open = async () => {
  const folder = await createTempDir();
  const server = new S3rver({
    port: 0,
    address: "127.0.0.1",
    silent: true,
    directory: folder.path,
    configureBuckets: [{ name: "test-bucket" }],
  });
  const { port } = await server.run();
  const blobs = s3Blobs({ endpoint: `http://127.0.0.1:${port}`, bucket: "test-bucket", credentials: CREDENTIALS });
  const dispose = async () => {
    await server.close();
    await folder[Symbol.asyncDispose]();
  };
  return Object.assign(blobs, { [Symbol.asyncDispose]: dispose });
};

describeBlobStore({ name: "S3, as s3rver has it", describe, test: testUnlessOther, expect, open });
