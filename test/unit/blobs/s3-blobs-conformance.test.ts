import { describe, expect, test } from "vitest";
import { s3Blobs } from "../../../blobs.js";
import { describeBlobStore } from "../../conformance/index.js";
import { S3Stub } from "../../support/s3/stub-server.js";

const open = async () => {
  const stub = await S3Stub.start();
  return Object.assign(s3Blobs(stub.options), { [Symbol.asyncDispose]: () => stub[Symbol.asyncDispose]() });
};

describeBlobStore({ name: "S3", describe, test, expect, open });
